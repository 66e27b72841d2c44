#include "rag/attention/head_agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "unit/rag/attention/masses.h"

namespace nibble::rag {
namespace {

using model::AttentionMass;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using testing::mass_config;

/// One layer of two heads; spans: sink, and two documents of one token and three.
class HeadAgreementTest : public ::testing::Test {
 protected:
  static AttentionMass mass(const std::vector<float>& values, std::size_t window = 0) {
    AttentionMass out(mass_config(1, 2, window), {{9}, {{0, 2}, {2, 3}, {3, 6}}});
    testing::fill(out, 0, values);
    return out;
  }

  std::vector<std::size_t> documents_ = {1, 2}, sinks_ = {0}, rows_ = {0};
};

TEST_F(HeadAgreementTest, IsTheMeanOverHeadsAndExamples) {
  const AttentionMass reference = mass({0.5F, 0.25F, 0.25F, 0.0F, 0.75F, 0.25F});
  const AttentionMass variant = mass({0.25F, 0.5F, 0.0F, 0.0F, 0.25F, 0.75F});
  HeadAgreement agreement(1, 2);
  agreement.add({variant, reference, 0, documents_, sinks_});
  // Head 0: (1, 0) beside (1/2, 1/2), one of two arg-max documents; head 1: turned.
  const double turned = 1 - (-0.75 * std::log2(0.75) + 0.25 * 2);
  EXPECT_THAT(agreement.agreement_of_heads(), ElementsAre(0.5, 0.0));
  EXPECT_THAT(agreement.divergence_of_heads(),
              ElementsAre(DoubleNear(0.3112781244591328, 1e-14), DoubleNear(turned, 1e-14)));
  EXPECT_THAT(agreement.agreement_of_layers(), ElementsAre(0.25));
  EXPECT_THAT(agreement.sink_change(), ElementsAre(-0.125));
  agreement.add({reference, reference, 0, documents_, sinks_});
  EXPECT_THAT(agreement.agreement_of_layers(), ElementsAre(0.625));
  EXPECT_NEAR(agreement.divergence_of_layers()[0], (0.3112781244591328 + turned) / 4, 1e-14);
}

TEST_F(HeadAgreementTest, OfMassesThatWereKept) {
  const float none = std::numeric_limits<float>::quiet_NaN();
  HeadAgreement agreement(2, 1);
  agreement.add(std::vector<float>{0.25F, 0.0F, none, none},
                std::vector<float>{0.25F, 0.25F, 0.5F, 0.5F});
  EXPECT_THAT(agreement.divergence_of_heads(),
              ElementsAre(DoubleNear(0.3112781244591328, 1e-14), ::testing::IsNan()));
  EXPECT_EQ(agreement.agreement(), 0.5);
  EXPECT_NEAR(agreement.divergence(), 0.3112781244591328, 1e-14);
  EXPECT_THROW(agreement.add(std::vector<float>{0.5F}, std::vector<float>{0.5F}), Error);
  EXPECT_TRUE(std::isnan(HeadAgreement(1, 1).agreement()));
}

TEST_F(HeadAgreementTest, LayersOutOfSightDoNotCount) {
  const AttentionMass windowed = mass({0.5F, 0.25F, 0.25F, 0.0F, 0.75F, 0.25F}, 5);
  HeadAgreement agreement(1, 2);
  agreement.add({windowed, windowed, 0, documents_, sinks_});
  EXPECT_TRUE(std::isnan(agreement.agreement_of_layers()[0]));
  EXPECT_EQ(agreement.sink_change()[0], 0.0);
  EXPECT_TRUE(std::isnan(densities_by_layer(windowed, rows_, documents_)[0]));
}

TEST_F(HeadAgreementTest, DensityByLayer) {
  // Means over heads 0.5 and 0.25, by lengths 1 and 3: 6 / 7 and 1 / 7.
  const AttentionMass one = mass({0.5F, 0.25F, 0.25F, 0.0F, 0.75F, 0.25F});
  EXPECT_THAT(densities_by_layer(one, rows_, documents_),
              ElementsAre(DoubleNear(6.0 / 7, 1e-14), DoubleNear(1.0 / 7, 1e-14)));
}

TEST_F(HeadAgreementTest, RefusesMassesThatDoNotCompare) {
  const AttentionMass one = mass(std::vector<float>(6, 0.1F));
  const AttentionMass other(mass_config(1, 2), {{8}, {{0, 2}, {2, 3}, {3, 6}}});
  HeadAgreement agreement(1, 2);
  EXPECT_THROW(agreement.add({one, other, 0, documents_, sinks_}), Error);
  EXPECT_THROW(agreement.add({one, one, 1, documents_, sinks_}), Error);
  EXPECT_THROW(HeadAgreement(2, 2).add({one, one, 0, documents_, sinks_}), Error);
}

}  // namespace
}  // namespace nibble::rag
