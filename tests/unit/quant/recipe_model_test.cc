#include "quant/recipe_model.h"

#include <gmock/gmock.h>

#include "model/weights.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;

class RecipeModelTest : public ::testing::Test {
 protected:
  RecipeModelTest() {
    write_tiny_checkpoint(folder_ / "tiny");
    source_ = io::open_checkpoint(folder_ / "tiny").take();
  }

  TempFolder folder_;
  std::unique_ptr<io::Checkpoint> source_;
};

TEST_F(RecipeModelTest, IsTheSourceWhereNothingIsRewritten) {
  const auto recipe = load_recipe("rtn-int4").take();
  const RecipeModel model(recipe, *source_, nullptr);
  EXPECT_EQ(&model.checkpoint(), source_.get());
  EXPECT_TRUE(model.config().runtime.is_plain());
}

TEST_F(RecipeModelTest, RewritesAndActivationsAreInTheConfiguration) {
  const auto recipe = load_recipe("quarot-w4a4").take();
  const RecipeModel model(recipe, *source_, nullptr);
  EXPECT_NE(&model.checkpoint(), source_.get());
  EXPECT_TRUE(model.config().runtime.rotates_heads);
  EXPECT_TRUE(model.config().runtime.rotates_gated);
  EXPECT_EQ(model.config().runtime.activations.bits, 4U);
  EXPECT_EQ(model.config().runtime.activations.clip, 0.9F);
  EXPECT_NE(model.checkpoint().hash(), source_->hash());
}

}  // namespace
}  // namespace nibble::quant
