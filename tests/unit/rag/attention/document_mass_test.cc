#include "rag/attention/document_mass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/rag/attention/masses.h"

namespace nibble::rag {
namespace {

using model::AttentionMass;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using testing::mass_config;

/// Two layers of one head; spans: sink [0, 2), document [2, 6), document [6, 8).
class DocumentMassTest : public ::testing::Test {
 protected:
  explicit DocumentMassTest(std::size_t window = 0)
      : mass_(mass_config(2, 1, window), {{8, 9}, {{0, 2}, {2, 6}, {6, 8}}}) {
    testing::fill(mass_, 0, {0.5F, 0.25F, 0.125F, 0.5F, 0.25F, 0.25F});
    testing::fill(mass_, 1, {0.0F, 0.5F, 0.375F, 0.5F, 0.0F, 0.5F});
  }

  AttentionMass mass_;
  HeadSet heads_ = all_heads(2, 1);
  std::vector<std::size_t> documents_ = {1, 2}, sinks_ = {0}, both_ = {0, 1}, first_ = {0};
};

TEST_F(DocumentMassTest, IsTheMeanOverHeadsAndRows) {
  EXPECT_THAT(*document_masses(mass_, {first_, heads_}, documents_), ElementsAre(0.25, 0.1875));
  EXPECT_THAT(*document_masses(mass_, {both_, heads_}, documents_), ElementsAre(0.25, 0.3125));
  const HeadSet last = {{1, 0}};
  EXPECT_THAT(*document_masses(mass_, {both_, last}, documents_), ElementsAre(0.125, 0.375));
  EXPECT_EQ(spans_mass(mass_, {both_, heads_}, sinks_), 0.375);
  EXPECT_EQ(reachable_share(mass_, {both_, heads_}, documents_), 1.0);
}

class WindowedMassTest : public DocumentMassTest {
 protected:
  WindowedMassTest() : DocumentMassTest(6) {}  // the first layer sees 3 to 8, then 4 to 9
};

TEST_F(WindowedMassTest, LayersThatDoNotSeeAllDocumentsDoNotCount) {
  EXPECT_THAT(*document_masses(mass_, {first_, heads_}, documents_), ElementsAre(0.25, 0.25));
  const HeadSet windowed = {{0, 0}};
  EXPECT_EQ(document_masses(mass_, {first_, windowed}, documents_), std::nullopt);
  EXPECT_EQ(reachable_share(mass_, {first_, windowed}, documents_), 5.0 / 6);
  const std::vector<std::size_t> second = {2};
  EXPECT_THAT(*document_masses(mass_, {first_, windowed}, second), ElementsAre(0.125));
}

TEST_F(DocumentMassTest, RefusesWhatIsNotThere) {
  EXPECT_THROW(document_masses(mass_, {first_, {}}, documents_), Error);
  EXPECT_THROW(document_masses(mass_, {{}, heads_}, documents_), Error);
  EXPECT_THROW(document_masses(mass_, {first_, heads_}, {}), Error);
  const AttentionMass nothing(mass_config(2, 1), {{8}, {{0, 2}, {2, 6}, {6, 8}}});
  EXPECT_THROW(document_masses(nothing, {first_, heads_}, documents_), Error);
}

TEST(DocumentScores, ShareDensityAndCalibration) {
  const std::vector<double> masses = {0.3, 0.1, 0.0};
  const std::vector<std::size_t> lengths = {30, 5, 10};
  EXPECT_THAT(*share(masses), ElementsAre(DoubleNear(0.75, 1e-15), DoubleNear(0.25, 1e-15), 0.0));
  // 0.01 and 0.02 a token.
  EXPECT_THAT(*density(masses, lengths),
              ElementsAre(DoubleNear(1.0 / 3, 1e-15), DoubleNear(2.0 / 3, 1e-15), 0.0));
  EXPECT_THAT(calibrated(std::vector<double>{0.5, 0.5}, std::vector<double>{0.75, 0.25}),
              ElementsAre(-0.25, 0.25));
  EXPECT_EQ(share(std::vector<double>{0, 0}), std::nullopt);
  EXPECT_EQ(density(std::vector<double>{0.0}, std::vector<std::size_t>{3}), std::nullopt);
  EXPECT_THROW(density(masses, std::vector<std::size_t>{30, 0, 10}), Error);
  EXPECT_THROW(density(masses, std::vector<std::size_t>{30}), Error);
  EXPECT_THROW(calibrated(masses, std::vector<double>{1.0}), Error);
}

}  // namespace
}  // namespace nibble::rag
