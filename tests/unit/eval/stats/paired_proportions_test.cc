#include "eval/stats/paired_proportions.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble::eval::stats {
namespace {

// Expected values: the constrained likelihood maximised by golden section instead of its closed
// form, and the bounds found by bisection, in Python.
TEST(PairedProportions, AgreesWithTheLikelihoodMaximisedNumerically) {
  const Interval few = paired_proportion_interval({40, 9, 3});
  EXPECT_DOUBLE_EQ(few.value, -0.15);
  EXPECT_NEAR(few.low, -0.3208653284342253, 1e-7);
  EXPECT_NEAR(few.high, 0.021988045240466506, 1e-7);
  const Interval seldom = paired_proportion_interval({80, 2, 1});
  EXPECT_NEAR(seldom.low, -0.07602049027676121, 1e-7);
  EXPECT_NEAR(seldom.high, 0.045633461781180384, 1e-7);
  const Interval many = paired_proportion_interval({500, 20, 35});
  EXPECT_NEAR(many.low, 0.0009590187340634583, 1e-7);
  EXPECT_NEAR(many.high, 0.0603327256105432, 1e-7);
}

TEST(PairedProportions, NoFlipIsNoProofOfNoLoss) {
  const double z2 = std::pow(normal_quantile_two_sided(0.95), 2);
  const Interval ten = paired_proportion_interval({10, 0, 0});
  EXPECT_NEAR(ten.low, -z2 / (10 + z2), 1e-7);
  EXPECT_NEAR(ten.high, z2 / (10 + z2), 1e-7);
  const Interval many = paired_proportion_interval({10'000, 0, 0});
  EXPECT_NEAR(many.high, z2 / (10'000 + z2), 1e-7);
}

TEST(PairedProportions, LostAndGainedAreMirrored) {
  const Interval a = paired_proportion_interval({70, 11, 4}, 0.9);
  const Interval b = paired_proportion_interval({70, 4, 11}, 0.9);
  EXPECT_NEAR(a.low, -b.high, 1e-12);
  EXPECT_NEAR(a.high, -b.low, 1e-12);
}

TEST(PairedProportions, AllLostAndNoSamples) {
  const Interval all = paired_proportion_interval({12, 12, 0});
  EXPECT_DOUBLE_EQ(all.value, -1);
  EXPECT_NEAR(all.low, -1, 1e-7);
  EXPECT_GT(all.high, -1);
  EXPECT_LT(all.high, -0.5);
  EXPECT_TRUE(std::isnan(paired_proportion_interval({}).low));
}

}  // namespace
}  // namespace nibble::eval::stats
