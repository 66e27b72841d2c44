#include "rag/attention/position.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;

/// Four questions in four slots: means 1, 0.25, 0.25, 0.75.
const std::vector<double> kScores = {1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1};

TEST(Position, OfACurveWithALowMiddle) {
  const PositionEffect got = position_effect(kScores, 4);
  EXPECT_THAT(got.means, ElementsAre(1, 0.25, 0.25, 0.75));
  EXPECT_NEAR(got.primacy.value, 0.75, 1e-15);
  EXPECT_NEAR(got.recency.value, 0.5, 1e-15);
  EXPECT_NEAR(got.u.value, 0.625, 1e-15);
  EXPECT_GT(got.u.low, 0.0);
  ASSERT_TRUE(got.cochran.has_value());
  // G = 4, 1, 1, 3; L = 2, 3, 1, 3: Q = 3 (4 * 27 - 81) / (36 - 23).
  EXPECT_NEAR(got.cochran->q, 3.0 * 27 / 13, 1e-13);
  EXPECT_LT(got.permutation_p, 0.2);
  EXPECT_GT(got.permutation_p, got.cochran->p_value / 4);
}

TEST(Position, EqualSlotsHaveNoEffect) {
  const std::vector<double> same = {0.5, 0.5, 0.5, 0.25, 0.25, 0.25};
  const PositionEffect got = position_effect(same, 3);
  EXPECT_EQ(got.u.value, 0.0);
  EXPECT_FALSE(got.cochran.has_value());
  EXPECT_EQ(got.permutation_p, 1.0);
}

TEST(Position, TwoSlotsHaveNoMiddle) {
  EXPECT_TRUE(std::isnan(position_effect(std::vector<double>{1, 0}, 2).u.value));
}

TEST(Position, ChangeOfAVariantIsPaired) {
  std::vector<double> variant = kScores;
  variant[0] = 0;  // one of four questions loses the first slot
  const auto got = u_difference(variant, kScores, 4);
  EXPECT_NEAR(got.value, -0.125, 1e-15);
  EXPECT_LE(got.high, 0.0);
  EXPECT_EQ(u_difference(kScores, kScores, 4).high, 0.0);
}

TEST(Position, RefusesRowsThatAreNotFull) {
  EXPECT_THROW(position_effect(kScores, 3), Error);
  EXPECT_THROW(u_difference(kScores, std::vector<double>{1, 0, 1, 0}, 4), Error);
}

}  // namespace
}  // namespace nibble::rag
