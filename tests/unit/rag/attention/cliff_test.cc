#include "rag/attention/cliff.h"

#include <gtest/gtest.h>

#include "unit/rag/attention/length_scores.h"

namespace nibble::rag {
namespace {

using testing::at_lengths;

const auto kFalling = at_lengths({{0.9, 0.9, 0.9, 0.2},
                                  {1, 0.95, 1, 0.3},
                                  {0.6, 0.7, 0.65, 0.0},
                                  {0.8, 0.8, 0.8, 0.1},
                                  {0.7, 0.65, 0.7, 0.05}});

/// numpy: least squares with a column for each question, at each break.
TEST(ModelCliff, IsThatOfNumpy) {
  const auto got = model_cliff(kFalling);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->tokens, 2048.0);
  EXPECT_NEAR(got->slope_before, 0.00697545, 1e-8);
  EXPECT_NEAR(got->slope_behind, -0.3316824776785716, 1e-12);
  EXPECT_NEAR(got->bic_gain, 60.75787658762995, 1e-9);
  EXPECT_EQ(got->low, 2048.0);
  EXPECT_EQ(got->high, 2048.0);
  EXPECT_GT(got->share_found, 0.99);
}

TEST(ModelCliff, AStraightLineHasNone) {
  EXPECT_FALSE(
      model_cliff(
          at_lengths({{0.9, 0.8, 0.6, 0.2}, {1.0, 0.9, 0.7, 0.3}, {0.95, 0.86, 0.63, 0.25}}))
          .has_value());
}

TEST(ModelCliff, AFallThatFlattensIsNone) {
  EXPECT_FALSE(
      model_cliff(at_lengths({{0.9, 0.1, 0.1, 0.1}, {1.0, 0.2, 0.2, 0.2}, {0.8, 0.0, 0.0, 0.0}}))
          .has_value());
}

TEST(ModelCliff, FewLengthsOrNothingHaveNone) {
  EXPECT_FALSE(model_cliff({}).has_value());
  const std::vector<LengthScore> three = {{0, 512, 1}, {0, 1024, 1}, {0, 2048, 0}};
  EXPECT_FALSE(model_cliff(three).has_value());
}

TEST(RuleCliff, IsTheFirstLengthBelowForGood) {
  const auto got = rule_cliff(kFalling);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->tokens, 4096.0);
  EXPECT_NEAR(got->drop, 0.81 - 0.13, 1e-12);
  EXPECT_GE(got->delta, 0.05);
}

TEST(RuleCliff, ALengthThatRecoversIsNone) {
  const auto dip = at_lengths({{0.9, 0.3, 0.9, 0.9}, {0.9, 0.4, 0.9, 0.85}, {0.8, 0.2, 0.8, 0.8}});
  EXPECT_FALSE(rule_cliff(dip).has_value());
}

TEST(RuleCliff, ADropWithinTheNoiseOfThePairsIsNone) {
  // Means fall from 0.5 to 0.25, by a difference of -1, 0, 0, 0: its standard error is 0.25.
  const auto noisy = at_lengths({{1, 1, 1, 0}, {1, 1, 1, 1}, {0, 0, 0, 0}, {0, 0, 0, 0}});
  EXPECT_FALSE(rule_cliff(noisy).has_value());
  EXPECT_FALSE(rule_cliff(at_lengths({{0.9, 0.9, 0.9, 0.86}, {0.8, 0.8, 0.8, 0.76}})).has_value());
}

}  // namespace
}  // namespace nibble::rag
