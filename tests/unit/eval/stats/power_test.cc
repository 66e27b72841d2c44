#include "eval/stats/power.h"

#include <gtest/gtest.h>

#include <limits>

namespace nibble::eval::stats {
namespace {

TEST(Power, FlipsNeededForOneAndTwoPoints) {
  // With z = 1.96 and 0.84: (1.96 sqrt(0.05) + 0.84 sqrt(0.0499))^2 / 0.0001 = 3918, and 978.
  EXPECT_NEAR(static_cast<double>(*samples_needed(0.05, 0.01)), 3918, 6);
  EXPECT_NEAR(static_cast<double>(*samples_needed(0.05, -0.02)), 978, 2);
}

TEST(Power, MeansNeedTheSquareOfTheirDeviation) {
  // (1.95996 + 0.84162)^2 = 7.8489.
  EXPECT_EQ(samples_needed_for_mean(1, 1), 8U);
  EXPECT_EQ(samples_needed_for_mean(10, -1), 785U);
  EXPECT_EQ(samples_needed_for_mean(1, 0.1), 785U);
}

TEST(Power, NoDifferenceNeedsNoNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(samples_needed(0.05, 0));
  EXPECT_FALSE(samples_needed(0.01, 0.02));  // a change cannot exceed the flips
  EXPECT_FALSE(samples_needed(nan, 0.02));
  EXPECT_FALSE(samples_needed_for_mean(1, 0));
  EXPECT_FALSE(samples_needed_for_mean(nan, 1));
  EXPECT_FALSE(samples_needed_for_mean(0, 1));
  EXPECT_FALSE(samples_needed_for_mean(1, 1e-12));
}

}  // namespace
}  // namespace nibble::eval::stats
