#include "rag/attention/degradation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "unit/rag/attention/length_scores.h"

namespace nibble::rag {
namespace {

using testing::at_lengths;

/// numpy: least squares with a column for each question; the exact p of all 24^5 permutations.
TEST(Degradation, IsThatOfNumpy) {
  const Degradation got = degradation(at_lengths({{1, 0.8, 0.5, 0.4},
                                                  {0.9, 0.9, 0.9, 0.1},
                                                  {0.2, 0.6, 0.3, 0.0},
                                                  {1, 1, 0.4, 0.6},
                                                  {0.5, 0.5, 0.5, 0.2}}));
  EXPECT_NEAR(got.slope.value, -0.1409646739130434, 1e-13);
  EXPECT_LT(got.slope.low, got.slope.value);
  EXPECT_LT(got.slope.high, 0.0);
  EXPECT_EQ(got.slope.n, 5U);
  EXPECT_NEAR(got.r2_examples, 0.6075491665931739, 1e-12);
  EXPECT_NEAR(*got.r2_bins, 0.9532837018791686, 1e-12);
  EXPECT_NEAR(*got.r2_bins_adjusted, 0.9299255528187529, 1e-12);
  // Six tenths of a permutation in a thousand: 10,000 draws see about six.
  EXPECT_NEAR(got.p_value, 0.0006148726851851852, 1e-3);
  ASSERT_EQ(got.means.size(), 4U);
  EXPECT_NEAR(got.means[1].score, 0.76, 1e-14);
  EXPECT_EQ(got.means[3].tokens, 4096.0);
  EXPECT_EQ(got.means[3].n, 5U);
}

TEST(Degradation, AQuestionsLevelDoesNotCount) {
  // The easy question was asked at short lengths only: means fall, no question does.
  const std::vector<LengthScore> scores = {
      {0, 512, 1}, {0, 1024, 1}, {1, 1024, 0.5}, {1, 2048, 0.5}, {2, 4096, 0}};
  const Degradation got = degradation(scores);
  EXPECT_NEAR(got.slope.value, 0.0, 1e-15);
  EXPECT_EQ(got.slope.n, 2U);
  EXPECT_EQ(got.p_value, 1.0);
  EXPECT_TRUE(std::isnan(got.r2_examples));
  EXPECT_GT(*got.r2_bins, 0.9);
}

TEST(Degradation, FewLengthsHaveNoR2OfMeans) {
  const std::vector<LengthScore> scores = {{0, 512, 1}, {0, 1024, 0.5}, {1, 512, 1}, {1, 1024, 0}};
  const Degradation got = degradation(scores);
  EXPECT_EQ(got.r2_bins, std::nullopt);
  EXPECT_NEAR(got.slope.value, -0.75 / 0.512, 1e-12);
  EXPECT_NEAR(got.p_value, 0.5, 0.02);  // both fall or both rise: 2 of 4 permutations
}

TEST(Degradation, OfNothingHasNoValue) {
  EXPECT_TRUE(std::isnan(degradation({}).slope.value));
  const std::vector<LengthScore> one = {{0, 512, 1}};
  EXPECT_TRUE(std::isnan(degradation(one).slope.value));
}

TEST(Degradation, RefusesAQuestionTwiceAtOneLength) {
  const std::vector<LengthScore> scores = {{7, 512, 1}, {7, 512, 0}};
  EXPECT_THROW(degradation(scores), Error);
}

}  // namespace
}  // namespace nibble::rag
