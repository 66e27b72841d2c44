#include "eval/metrics/best_threshold.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace nibble::eval {
namespace {

// Worked by hand, as find_best_thresh of the official script goes through the questions.
TEST(BestThreshold, SilenceAboveTheBestThreshold) {
  const std::vector<ThresholdQuestion> questions = {
      {0.9, false, -1}, {0.1, true, 1}, {0.2, false, -1}, {0.3, true, 0.5}, {0.4, true, 1}};
  // Two without an answer are right in silence; behind 0.1, 0.2, 0.3, 0.4 the sum is 3, 2, 2.5,
  // 3.5, and behind 0.9 it is 2.5.
  EXPECT_DOUBLE_EQ(best_over_thresholds(questions).value, 3.5 / 5);
}

TEST(BestThreshold, SilenceThroughoutMayBeBest) {
  const std::vector<ThresholdQuestion> questions = {
      {0.1, false, -1}, {0.2, true, 0}, {0.3, false, -1}};
  EXPECT_DOUBLE_EQ(best_over_thresholds(questions).value, 2.0 / 3);
}

TEST(BestThreshold, AnIntervalHoldsItAndFollowsTheSeed) {
  std::vector<ThresholdQuestion> questions;
  for (int i = 0; i < 60; ++i) {
    questions.push_back({0.01 * i, i % 3 != 0, i % 3 == 0 ? -1.0 : 0.01 * (60 - i)});
  }
  const auto found = best_over_thresholds(questions);
  EXPECT_LT(found.low, found.value);
  EXPECT_GT(found.high, found.value);
  EXPECT_EQ(found.n, 60U);
  EXPECT_EQ(found.low, best_over_thresholds(questions).low);
}

TEST(BestThreshold, FewQuestionsHaveNoInterval) {
  EXPECT_TRUE(std::isnan(best_over_thresholds({}).value));
  const std::vector<ThresholdQuestion> one = {{0.5, true, 1}};
  EXPECT_EQ(best_over_thresholds(one).value, 1);
  EXPECT_TRUE(std::isnan(best_over_thresholds(one).low));
}

}  // namespace
}  // namespace nibble::eval
