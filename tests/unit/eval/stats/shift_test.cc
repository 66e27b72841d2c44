#include "eval/stats/shift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace nibble::eval::stats {
namespace {

TEST(Shift, IsTheMedianOfAllDifferences) {
  const std::vector<double> a{5, 1, 3};
  const std::vector<double> b{2, 0};
  // Differences: 5-2, 5-0, 1-2, 1-0, 3-2, 3-0 = -1, 1, 1, 3, 3, 5.
  const Interval shift = shift_interval(a, b);
  EXPECT_DOUBLE_EQ(shift.value, 2);
  EXPECT_EQ(shift.n, 6U);
  EXPECT_TRUE(std::isnan(shift.low));
}

TEST(Shift, FiveAgainstFiveUseTheThirdOfTheirDifferences) {
  // P(U <= 2) = 4 / 252 and P(U <= 3) = 7 / 252, so k = 3 (tables of Mann and Whitney: U = 2).
  const std::vector<double> a{10, 20, 30, 40, 50};
  const std::vector<double> b{1, 2, 3, 4, 5};
  const Interval shift = shift_interval(a, b);
  // The smallest differences are 5, 6, 7 and the largest 49, 48, 47.
  EXPECT_DOUBLE_EQ(shift.low, 7);
  EXPECT_DOUBLE_EQ(shift.high, 47);
}

TEST(Shift, FourAgainstFourCarryABoundAndThreeAgainstFourDoNot) {
  const std::vector<double> four{1, 2, 3, 4};
  const std::vector<double> three{1, 2, 3};
  EXPECT_DOUBLE_EQ(shift_interval(four, four).low, -3);
  EXPECT_TRUE(std::isnan(shift_interval(three, four).low));
}

TEST(Shift, ManyValuesUseTheNormalApproximation) {
  std::vector<double> a(60), b(60);
  std::iota(a.begin(), a.end(), 100.0);
  std::iota(b.begin(), b.end(), 0.0);
  const Interval shift = shift_interval(a, b);
  EXPECT_DOUBLE_EQ(shift.value, 100);
  // k = 1800 - 1.96 sqrt(3600 * 121 / 12) = 1426: by symmetry as far below 100 as above.
  EXPECT_NEAR(shift.low + shift.high, 200, 1e-9);
  EXPECT_GT(shift.low, 90);
  EXPECT_LT(shift.low, 96);
}

}  // namespace
}  // namespace nibble::eval::stats
