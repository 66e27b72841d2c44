#include "quant/correct/bias.h"

#include <gmock/gmock.h>

#include "quant/calibrate/block_run.h"
#include "quant/calibrate/embed_windows.h"
#include "quant/matrix.h"
#include "support/files.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;
using ::testing::ElementsAre;

TEST(Bias, ShiftIsTheMeanErrorOfTheOutputs) {
  const std::vector<float> weight = {1, 2, 3, 4};
  const std::vector<float> quantized = {1.5F, 2, 3, 3};
  const std::vector<double> mean = {2, -1};
  ThreadPool pool(2);
  EXPECT_THAT(mean_error({{weight.data(), 2, 2}, {quantized.data(), 2, 2}, mean}, pool),
              ElementsAre(-1.0F, -1.0F));
}

/// A model whose q, k and v have biases, quantized with 2 bits.
class CorrectedRun : public ::testing::Test {
 protected:
  CorrectedRun() {
    windows_.window = 16;
    for (std::int32_t i = 0; i < 64; ++i) {
      windows_.ids.push_back(3 + i * 37 % 90);
    }
    windows_.n_windows = 4;
  }

  /// Mean outputs of v in the first layer with the weights of `block`.
  std::vector<double> mean_values(const io::Checkpoint& checkpoint, DecoderBlock& block) {
    BlockTokens tokens = embed_windows(checkpoint, config_, windows_);
    const std::size_t width = config_.n_kv_heads * config_.head_dim;
    std::vector<float> keys(tokens.size() * width);
    std::vector<float> values(keys.size());
    std::vector<double> out(width);
    tokens.for_each_part(block, [&](const BlockRows& rows, std::size_t) {
      const auto x = block.reach(Site::kAttentionIn, rows);
      block.project_kv(x, {keys.data(), x.rows, width}, {values.data(), x.rows, width});
      for (std::size_t i = 0; i < x.rows * width; ++i) {
        out[i % width] += double{values[i]} / static_cast<double>(x.rows);
      }
    });
    return out;
  }

  std::unique_ptr<io::Checkpoint> checkpoint_ =
      io::open_checkpoint(nibble::testing::source_path("tests/golden/model/qwen2")).take();
  model::ModelConfig config_ = model::read_config(*checkpoint_).take();
  CalibrationWindows windows_;
  ThreadPool pool_{2};
};

TEST_F(CorrectedRun, QuantizedLayersKeepTheirMeanOutputs) {
  const TempFolder folder;
  const Recipe recipe = parse_recipe(R"(name = "x"
[[stage]]
solve = "nearest"
scheme = { default = "int2g16a" }
[[stage]]
correct = "bias")",
                                     "r.toml")
                            .take();
  const Plan plan = make_plan(recipe, *checkpoint_).take();
  BlockRun run({*checkpoint_, config_, plan, windows_, folder / "job"}, pool_, silent_progress());
  run.run();
  auto block = DecoderBlock::load(*checkpoint_, config_, 0, pool_);
  const auto wanted = mean_values(*checkpoint_, block);
  const auto set = [&](std::string_view weight) {
    const auto row = std::ranges::find(plan.rows, weight, &PlanRow::weight);
    block.set_weight(DecoderBlock::short_name(weight), codec::decode_all(run.find(*row).value()));
  };
  set("model.layers.0.self_attn.v_proj.weight");
  const auto rounded = mean_values(*checkpoint_, block);
  set("model.layers.0.self_attn.v_proj.bias");
  const auto corrected = mean_values(*checkpoint_, block);
  double lost = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(corrected[i], wanted[i], 1e-5);
    lost = std::max(lost, std::abs(rounded[i] - wanted[i]));
  }
  EXPECT_GT(lost, 1e-3) << "nothing to correct";
  const auto reports = run.reports();
  EXPECT_EQ(reports.size(), 7 * config_.n_layers);
  EXPECT_EQ(std::ranges::count_if(reports, [](const WeightReport& r) { return r.measures.size(); }),
            static_cast<std::ptrdiff_t>(3 * config_.n_layers));
}

}  // namespace
}  // namespace nibble::quant
