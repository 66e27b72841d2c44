#include "eval/stats/ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace nibble::eval::stats {
namespace {

using ::testing::ElementsAre;
using Values = std::vector<double>;

TEST(Ranks, TiesShareTheMeanOfTheirRanks) {
  EXPECT_THAT(mid_ranks(Values{3, 1, 3, 2, 3}), ElementsAre(4, 1, 4, 2, 4));
  EXPECT_THAT(mid_ranks(Values{7, 7}), ElementsAre(1.5, 1.5));
  EXPECT_TRUE(mid_ranks({}).empty());
}

TEST(MannWhitney, IsThatOfScipy) {
  const GroupComparison got =
      mann_whitney(Values{0.2, 0.5, 0.5, 0.9, 1.0, 0.7}, Values{0.1, 0.5, 0.3, 0.0, 0.7});
  EXPECT_DOUBLE_EQ(got.u, 23.5);
  EXPECT_NEAR(got.p_value, 0.13954714372531585, 1e-13);
  EXPECT_NEAR(got.cliffs_delta, 17.0 / 30, 1e-15);
}

TEST(MannWhitney, CountsPairs) {
  // 2 > 1, 2 = 2, 3 > 1, 3 > 2: three and a half of four.
  const GroupComparison got = mann_whitney(Values{2, 3}, Values{1, 2});
  EXPECT_DOUBLE_EQ(got.u, 3.5);
  EXPECT_DOUBLE_EQ(got.cliffs_delta, 0.75);
}

TEST(MannWhitney, HasNoChanceWhereNothingVaries) {
  EXPECT_TRUE(std::isnan(mann_whitney(Values{1, 1}, Values{1}).p_value));
  EXPECT_EQ(mann_whitney(Values{1, 1}, Values{1}).cliffs_delta, 0.0);
  EXPECT_TRUE(std::isnan(mann_whitney(Values{}, Values{1}).u));
}

}  // namespace
}  // namespace nibble::eval::stats
