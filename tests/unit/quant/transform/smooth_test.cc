#include "quant/transform/smooth.h"

#include <gmock/gmock.h>

#include "quant/recipe.h"
#include "unit/quant/transform/awq_block.h"

namespace nibble::quant {
namespace {

using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::Pointwise;

std::unique_ptr<Transform> smooth(double alpha) {
  const auto document = TomlDocument::parse(fmt::format("alpha = {}", alpha), "test").take();
  TomlTable stage = document.root();
  return make_smooth(stage);
}

/// The largest |x| of each input at the entrance of the attention.
std::vector<float> input_maxima(AwqBlock& awq) {
  BlockTokens tokens = awq.tokens;
  std::vector<float> out(awq.block.cols_at(Site::kAttentionIn));
  tokens.for_each_part(awq.block, [&](const BlockRows& rows, std::size_t) {
    const auto x = awq.block.reach(Site::kAttentionIn, rows);
    for (std::size_t t = 0; t < x.rows; ++t) {
      for (std::size_t k = 0; k < x.cols; ++k) {
        out[k] = std::max(out[k], std::fabs(x(t, k)));
      }
    }
  });
  return out;
}

TEST(Smooth, ScalesByHand) {
  const std::vector<float> x = {4, 16, 0, 9};
  const std::vector<float> w = {1, 4, 1, 0};
  EXPECT_THAT(smoothing_scales(x, w, 0.5F),
              Pointwise(FloatEq(), {2.0F, 2.0F, 1e-5F, 3.0F / std::sqrt(1e-5F)}));
  EXPECT_THAT(smoothing_scales(x, w, 1.0F), Pointwise(FloatEq(), {4.0F, 16.0F, 1e-5F, 9.0F}));
}

TEST(Smooth, TheBlockComputesTheSameFromSmootherInputs) {
  ThreadPool pool(2);
  AwqBlock awq = small_awq_block(pool);
  const auto wanted = outputs_of(awq);
  const auto before = input_maxima(awq);
  smooth(0.5)->apply(awq.input(), pool);
  EXPECT_LT(mean_square_distance(outputs_of(awq), wanted), 1e-10);
  const auto after = input_maxima(awq);
  const auto spread = [](const std::vector<float>& most) {
    const auto [low, high] = std::ranges::minmax(most);
    return high / low;
  };
  EXPECT_LT(spread(after), 0.5F * spread(before));
}

TEST(Smooth, AtAlphaOneEveryInputReachesOne) {
  ThreadPool pool(2);
  AwqBlock awq = small_awq_block(pool);
  smooth(1.0)->apply(awq.input(), pool);
  for (const float most : input_maxima(awq)) {
    EXPECT_NEAR(most, 1.0F, 1e-5F);
  }
}

TEST(Smooth, RefusesAnAlphaOutsideItsRange) {
  try {
    smooth(1.5);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("expected a number from 0 to 1"));
  }
}

}  // namespace
}  // namespace nibble::quant
