#include "quant/mixed/replaced_view.h"

#include <gtest/gtest.h>

#include "codec/dense.h"
#include "model/config.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

constexpr std::string_view kUp = "model.layers.1.mlp.up_proj.weight";

TEST(ReplacedView, HasTheOtherWeightAndTheRestOfTheSource) {
  const nibble::testing::TempFolder folder;
  write_tiny_checkpoint(folder / "tiny", 0.0F, 2);
  const auto source = io::open_checkpoint(folder / "tiny").take();
  const model::ModelConfig config = model::read_config(*source).take();
  ReplacedWeights replaced;
  replaced.emplace(kUp,
                   codec::dense_matrix(Tensor::from<float>(
                       DType::kF32, {96, 64}, std::vector<float>(96 * 64, 0.5F))));
  const auto view = replaced_view(*source, config, replaced);
  const model::ModelConfig again = model::read_config(*view).take();
  EXPECT_EQ(again.n_layers, 2U);
  EXPECT_EQ(again.hidden, 64U);
  EXPECT_EQ(codec::decode_all(model::load_weight(*view, again, kUp).take()).front(), 0.5F);
  for (const model::WeightInfo& weight : model::list_weights(config)) {
    if (weight.name != kUp) {
      EXPECT_EQ(codec::decode_all(model::load_weight(*view, again, weight.name).take()),
                codec::decode_all(model::load_weight(*source, config, weight.name).take()))
          << weight.name;
    }
  }
  EXPECT_NE(view->hash(), source->hash());
  EXPECT_TRUE(view->has("lm_head.weight"));
  EXPECT_EQ(view->tensor("nothing").failure().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nibble::quant
