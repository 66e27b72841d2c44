#include "eval/stats/multiple.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nibble::eval::stats {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::IsNan;

TEST(Holm, HandWorked) {
  // Ascending 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 gives 0.04, 0.06, 0.06, 0.04, made monotone.
  EXPECT_THAT(holm_adjusted(std::vector<double>{0.03, 0.01, 0.04, 0.02}),
              ElementsAre(DoubleEq(0.06), DoubleEq(0.04), DoubleEq(0.06), DoubleEq(0.06)));
}

TEST(Holm, StopsAtOne) {
  EXPECT_THAT(holm_adjusted(std::vector<double>{0.9, 0.8}), ElementsAre(1.0, 1.0));
  EXPECT_TRUE(holm_adjusted({}).empty());
}

TEST(Holm, LeavesOutWhatCouldNotBeCompared) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(holm_adjusted(std::vector<double>{nan, 0.02, 0.03}),
              ElementsAre(IsNan(), DoubleEq(0.04), DoubleEq(0.04)));
}

}  // namespace
}  // namespace nibble::eval::stats
