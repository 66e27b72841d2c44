#include "quant/solve/gguf/scale_search.h"

#include <gmock/gmock.h>

#include <array>
#include <vector>

namespace nibble::quant {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(ScaleSearch, PeakIsTheFirstOfEqualMagnitudes) {
  EXPECT_EQ(signed_peak(std::array{1.0F, -3.0F, 3.0F}), -3.0F);
  EXPECT_EQ(signed_peak(std::array{0.0F, 1e-16F}), 0.0F);
}

TEST(ScaleSearch, SymmetricGridFindsWhatLiesOnOne) {
  const std::vector<float> x = {-0.8F, 0.7F, 0.1F, -0.3F};
  const std::vector<float> w(4, 1.0F);
  std::array<std::uint8_t, 4> codes{};
  EXPECT_FLOAT_EQ(symmetric_scale(x, w, 8, codes), 0.1F);
  EXPECT_THAT(codes, ElementsAre(0, 15, 9, 5));
}

TEST(ScaleSearch, SymmetricGridServesTheHeavyWeights) {
  // The peak asks for the step 1, which the refit gives up for what the others want.
  const std::vector<float> x = {-8.0F, 0.55F, 0.55F, 0.55F};
  const std::vector<float> heavy = {1e-6F, 1.0F, 1.0F, 1.0F};
  std::array<std::uint8_t, 4> codes{};
  const float scale = symmetric_scale(x, heavy, 8, codes);
  EXPECT_NEAR(scale * static_cast<float>(codes[3] - 8), 0.55F, 0.01F);
  const float even = symmetric_scale(x, std::vector<float>(4, 1.0F), 8, codes);
  EXPECT_NEAR(even * static_cast<float>(codes[0] - 8), -8.0F, 0.2F);
}

TEST(ScaleSearch, DescentMovesACodeThatTheOthersOutvote) {
  // Peak -1 asks for the step 0.25; the many 0.3 want a wider one.
  std::vector<float> x(16, 0.3F);
  x[0] = -1.0F;
  std::array<std::uint8_t, 16> codes{};
  const float scale = descend_scale(x, 4, codes);
  EXPECT_GT(scale, 0.25F);
  EXPECT_EQ(codes[1], 5);
}

TEST(ScaleSearch, PositiveGridKeepsExactValues) {
  const std::vector<float> x = {0.0F, 3.0F, 6.0F, 7.5F};
  const std::vector<float> w(4, 1.0F);
  std::array<std::uint8_t, 4> codes{};
  EXPECT_FLOAT_EQ(positive_scale(x, w, 15, codes), 0.5F);
  EXPECT_THAT(codes, ElementsAre(0, 6, 12, 15));
}

TEST(ScaleSearch, OffsetGridKeepsExactValues) {
  const std::vector<float> x = {-0.5F, 0.0F, 0.25F, 1.0F};
  const std::vector<float> w(4, 1.0F);
  std::array<std::uint8_t, 4> codes{};
  const auto grid = offset_scale(x, w, {.max_code = 6, .first = -0.5F, .step = 0.1F}, codes);
  EXPECT_FLOAT_EQ(grid.scale, 0.25F);
  EXPECT_FLOAT_EQ(grid.offset, -0.5F);
  EXPECT_THAT(codes, ElementsAre(0, 2, 3, 6));
}

TEST(ScaleSearch, OffsetsAreNeverPositive) {
  const std::vector<float> x = {1.0F, 1.1F, 1.2F, 1.5F};
  const std::vector<float> w(4, 1.0F);
  std::array<std::uint8_t, 4> codes{};
  EXPECT_EQ(offset_scale(x, w, {}, codes).offset, 0.0F);
}

TEST(ScaleSearch, NothingInGivesNothingOut) {
  const std::vector<float> x(8, 0.0F);
  const std::vector<float> w(8, 1.0F);
  std::array<std::uint8_t, 8> codes{};
  codes.fill(9);
  EXPECT_EQ(symmetric_scale(x, w, 4, codes), 0.0F);
  EXPECT_THAT(codes, Each(0));
  EXPECT_EQ(descend_scale(x, 4, codes), 0.0F);
  EXPECT_EQ(positive_scale(x, w, 15, codes), 0.0F);
  EXPECT_EQ(offset_scale(x, w, {}, codes).scale, 0.0F);
}

}  // namespace
}  // namespace nibble::quant
