#include "eval/stats/correlation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace nibble::eval::stats {
namespace {

using Values = std::vector<double>;

const Values kX = {0.1, 0.4, 0.4, 0.9, 1.5, 2.2, 2.3, 3.0};
const Values kY = {1.0, 0.0, 0.5, 1.0, 2.0, 1.5, 3.0, 2.5};

TEST(Correlation, PearsonIsThatOfScipy) {
  const Correlation got = pearson(kX, kY);
  EXPECT_NEAR(got.value, 0.8420520492440098, 1e-14);
  EXPECT_NEAR(got.p_value, 0.008720938474937288, 1e-13);
  EXPECT_NEAR(got.low, 0.3378490382307822, 1e-8);
  EXPECT_NEAR(got.high, 0.9707247731641584, 1e-8);
  EXPECT_EQ(got.n, 8U);
}

TEST(Correlation, SpearmanIsThatOfScipyWithFiellersInterval) {
  const Correlation got = spearman(kX, kY);
  EXPECT_NEAR(got.value, 0.8433734939759037, 1e-14);
  EXPECT_NEAR(got.p_value, 0.008512799127774818, 1e-13);
  EXPECT_NEAR(got.low, 0.3187984835200043, 1e-8);
  EXPECT_NEAR(got.high, 0.9724317836699727, 1e-8);
}

TEST(Correlation, PartialIsThatOfTheRanksResiduals) {
  const std::vector<Values> controls = {{3, 1, 4, 1, 5, 9, 2, 6}, {2, 7, 1, 8, 2, 8, 1, 8}};
  const Correlation got = partial_spearman(kX, kY, controls);
  EXPECT_NEAR(got.value, 0.8565714527981894, 1e-12);
  EXPECT_NEAR(got.p_value, 0.029382334253181305, 1e-12);
  EXPECT_NEAR(partial_spearman(kX, kY, {}).value, spearman(kX, kY).value, 1e-14);
}

TEST(Correlation, PartialHasNoValueWhereControlsDetermineEachOther) {
  const Values control = {3, 1, 4, 1, 5, 9, 2, 6};
  EXPECT_TRUE(std::isnan(partial_spearman(kX, kY, std::vector<Values>{control, control}).value));
  EXPECT_TRUE(std::isnan(partial_spearman(kX, kY, std::vector<Values>{Values(8, 1.0)}).value));
}

TEST(Correlation, OfALineIsOne) {
  const Correlation got = pearson(Values{1, 2, 3, 4}, Values{-2, -4, -6, -8});
  EXPECT_DOUBLE_EQ(got.value, -1.0);
  EXPECT_EQ(got.p_value, 0.0);
  EXPECT_EQ(got.low, -1.0);
  EXPECT_EQ(got.high, -1.0);
}

TEST(Correlation, HasNoValueWhereNothingVariesOrTooFewAre) {
  EXPECT_TRUE(std::isnan(pearson(Values{1, 1, 1, 1}, Values{1, 2, 3, 4}).value));
  EXPECT_TRUE(std::isnan(spearman(Values{1, 2}, Values{1, 2}).value));
  EXPECT_TRUE(std::isnan(pearson(Values{1, 2, 4}, Values{1, 3, 2}).low));
  EXPECT_FALSE(std::isnan(pearson(Values{1, 2, 4}, Values{1, 3, 2}).p_value));
  EXPECT_THROW(pearson(Values{1, 2, 3}, Values{1, 2}), Error);
}

TEST(Correlation, GroupsPoolByFishersZ) {
  const std::vector<Correlation> groups = {
      {0.5, 0, 0, 0, 20}, {0.2, 0, 0, 0, 13}, {0.9, 0, 0, 0, 3}, {NAN, 0, 0, 0, 50}};
  const Correlation got = pooled(groups);
  EXPECT_NEAR(got.value, 0.39772671244275004, 1e-14);
  EXPECT_NEAR(got.low, 0.04372241799876954, 1e-8);
  EXPECT_NEAR(got.high, 0.6629960913193838, 1e-8);
  EXPECT_NEAR(got.p_value, 0.028720830108583114, 1e-13);
  EXPECT_EQ(got.n, 33U);
  EXPECT_TRUE(std::isnan(pooled({}).value));
  const std::vector<Correlation> ends = {{1, 0, 0, 0, 5}, {-1, 0, 0, 0, 5}};
  EXPECT_NEAR(pooled(ends).value, 0.0, 1e-15);
}

}  // namespace
}  // namespace nibble::eval::stats
