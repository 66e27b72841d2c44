#include "rag/attention/preservation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace nibble::rag {
namespace {

using Values = std::vector<double>;
using Numbers = std::vector<std::size_t>;

TEST(Preservation, PrecisionAt1SharesTies) {
  EXPECT_EQ(precision_at_1(Values{0.2, 0.5, 0.3}, Numbers{1}), 1.0);
  EXPECT_EQ(precision_at_1(Values{0.2, 0.5, 0.3}, Numbers{0, 2}), 0.0);
  EXPECT_EQ(precision_at_1(Values{0.4, 0.4, 0.1}, Numbers{1}), 0.5);
  EXPECT_EQ(precision_at_1(Values{0.4, 0.4, 0.1}, Numbers{0, 1}), 1.0);
}

TEST(Preservation, RankOfTheBestGoldDocument) {
  const Values scores = {0.1, 0.4, 0.2, 0.2, 0.1};
  EXPECT_EQ(gold_rank(scores, Numbers{1}), 1.0);
  EXPECT_EQ(gold_rank(scores, Numbers{2}), 2.5);
  EXPECT_EQ(gold_rank(scores, Numbers{0}), 4.5);
  EXPECT_EQ(gold_rank(scores, Numbers{0, 3}), 2.5);
  EXPECT_EQ(gold_rank(Values(9, 1.0), Numbers{4}), 5.0);  // no preference is the chance mean
}

TEST(Preservation, MassAndLift) {
  const Values shares = {0.1, 0.4, 0.2, 0.3};
  EXPECT_NEAR(gold_mass(shares, Numbers{1, 3}), 0.7, 1e-15);
  EXPECT_NEAR(gold_lift(shares, Numbers{1}), 1.6, 1e-15);
  EXPECT_NEAR(gold_lift(shares, Numbers{1, 3}), 1.4, 1e-15);
}

TEST(Preservation, GiniFromEqualToConcentrated) {
  EXPECT_NEAR(gini(Values{2, 2, 2, 2}), 0.0, 1e-15);
  EXPECT_NEAR(gini(Values{0, 0, 0, 1}), 0.75, 1e-15);
  EXPECT_NEAR(gini_scaled(Values{0, 0, 0, 1}), 1.0, 1e-15);
  // 2 (1 * 1 + 2 * 2 + 3 * 5) / (3 * 8) - 4 / 3 = 1 / 3
  EXPECT_NEAR(gini(Values{5, 1, 2}), 1.0 / 3, 1e-15);
  EXPECT_TRUE(std::isnan(gini(Values{0, 0})));
  EXPECT_TRUE(std::isnan(gini_scaled(Values{1})));
}

TEST(Preservation, Entropy) {
  EXPECT_NEAR(normalized_entropy(Values{0.25, 0.25, 0.25, 0.25}), 1.0, 1e-15);
  EXPECT_EQ(normalized_entropy(Values{0, 1, 0}), 0.0);
  EXPECT_NEAR(normalized_entropy(Values{0.5, 0.3, 0.2}), 0.9372305632161295, 1e-14);  // scipy
  EXPECT_TRUE(std::isnan(normalized_entropy(Values{1})));
}

TEST(Preservation, AgreementOfTheBest) {
  EXPECT_EQ(agreement_at_1(Values{0.2, 0.8}, Values{0.4, 0.6}), 1.0);
  EXPECT_EQ(agreement_at_1(Values{0.2, 0.8}, Values{0.6, 0.4}), 0.0);
  EXPECT_EQ(agreement_at_1(Values{0.5, 0.5, 0.0}, Values{0.6, 0.2, 0.2}), 0.5);
}

TEST(Preservation, JensenShannonIsThatOfScipy) {
  EXPECT_NEAR(
      js_divergence(Values{0.5, 0.3, 0.2}, Values{0.2, 0.2, 0.6}), 0.13065890260435883, 1e-14);
  EXPECT_NEAR(js_divergence(Values{1, 0, 0}, Values{0.5, 0.5, 0}), 0.3112781244591328, 1e-14);
  EXPECT_NEAR(js_divergence(Values{1, 0}, Values{0, 1}), 1.0, 1e-15);
  EXPECT_EQ(js_divergence(Values{0.5, 0.5}, Values{0.5, 0.5}), 0.0);
  EXPECT_NEAR(variation(Values{0.5, 0.3, 0.2}, Values{0.2, 0.2, 0.6}), 0.4, 1e-15);
}

TEST(Preservation, RefusesWhatDoesNotFit) {
  EXPECT_THROW(precision_at_1(Values{}, Numbers{0}), Error);
  EXPECT_THROW(gold_rank(Values{1, 2}, Numbers{}), Error);
  EXPECT_THROW(gold_mass(Values{1, 2}, Numbers{2}), Error);
  EXPECT_THROW(js_divergence(Values{1}, Values{0.5, 0.5}), Error);
  EXPECT_THROW(gini(Values{}), Error);
}

}  // namespace
}  // namespace nibble::rag
