#include "eval/stats/flips.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace nibble::eval::stats {
namespace {

TEST(Flips, CountsBothDirections) {
  const std::vector<double> reference = {1, 1, 0, 0, 1, 0};
  const std::vector<double> variant = {1, 0, 1, 0, 0, 0};
  const Flips flips = count_flips(variant, reference);
  EXPECT_EQ(flips.lost, 2U);
  EXPECT_EQ(flips.gained, 1U);
  EXPECT_DOUBLE_EQ(flips.fraction(), 0.5);
  EXPECT_TRUE(std::isnan(count_flips({}, {}).fraction()));
}

TEST(Flips, RefusesUnequalLengths) {
  EXPECT_THROW(count_flips(std::vector<double>{1}, {}), Error);
}

TEST(McNemar, HandWorked) {
  EXPECT_DOUBLE_EQ(mcnemar_exact(0, 0), 1.0);
  EXPECT_NEAR(mcnemar_exact(5, 0), 2.0 / 32, 1e-12);
  EXPECT_NEAR(mcnemar_exact(1, 5), 2.0 * (1 + 6) / 64, 1e-12);
  EXPECT_DOUBLE_EQ(mcnemar_exact(3, 3), 1.0);
  EXPECT_DOUBLE_EQ(mcnemar_exact(2, 9), mcnemar_exact(9, 2));
}

TEST(McNemar, LargeCountsDoNotOverflow) {
  const double p = mcnemar_exact(1000, 1100);
  EXPECT_NEAR(p, std::erfc(99.0 / std::sqrt(2.0 * 2100)), 1e-4);  // normal, continuity corrected
}

}  // namespace
}  // namespace nibble::eval::stats
