#include "rag/attention/heads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "unit/rag/attention/masses.h"

namespace nibble::rag {
namespace {

using model::AttentionMass;
using ::testing::ElementsAre;
using testing::mass_config;

TEST(Heads, AllAndLate) {
  EXPECT_EQ(all_heads(4, 3).size(), 12U);
  EXPECT_THAT(late_heads(4, 2), ElementsAre(Head{2, 0}, Head{2, 1}, Head{3, 0}, Head{3, 1}));
  EXPECT_EQ(late_heads(30, 9).size(), 90U);
  EXPECT_THAT(late_heads(1, 1), ElementsAre(Head{0, 0}));
  EXPECT_THAT(layer_heads(2, 2), ElementsAre(Head{2, 0}, Head{2, 1}));
}

TEST(Heads, ThoseThatLookAtTheEvidenceAreChosen) {
  HeadChoice choice(2, 2);
  AttentionMass mass(mass_config(2, 2), {{5, 9}, {{0, 2}, {2, 4}}});
  testing::fill(mass, 0, {0.1F, 0.5F, 0.2F, 0.3F, 0.0F, 0.5F, 0.1F, 0.9F});
  testing::fill(mass, 1, {0.1F, 0.7F, 0.2F, 0.1F, 0.0F, 0.3F, 0.1F, 0.5F});
  const std::vector<std::size_t> gold = {1};
  choice.add(mass, 0, gold);
  choice.add(mass, 1, gold);
  const std::vector<double> means = choice.gold_masses();
  EXPECT_NEAR(means[0], 0.6, 1e-7);
  EXPECT_NEAR(means[1], 0.2, 1e-7);
  EXPECT_NEAR(means[3], 0.7, 1e-7);
  EXPECT_THAT(choice.best(0.5), ElementsAre(Head{0, 0}, Head{1, 1}));
  EXPECT_THAT(choice.best(0.05), ElementsAre(Head{1, 1}));
  EXPECT_EQ(choice.best(1.0).size(), 4U);
}

TEST(Heads, LayersThatDoNotSeeTheEvidenceDoNotCount) {
  HeadChoice choice(2, 1);
  AttentionMass mass(mass_config(2, 1, 4), {{9}, {{0, 2}}});  // the first layer sees 6 to 9
  testing::fill(mass, 0, {0.0F, 0.25F});
  choice.add(mass, 0, std::vector<std::size_t>{0});
  EXPECT_TRUE(std::isnan(choice.gold_masses()[0]));
  EXPECT_EQ(choice.gold_masses()[1], 0.25);
  EXPECT_THAT(choice.best(1.0), ElementsAre(Head{1, 0}));
}

TEST(Heads, RefusesOtherModelsAndShares) {
  HeadChoice choice(2, 1);
  const AttentionMass other(mass_config(1, 1), {{0}, {{0, 1}}});
  EXPECT_THROW(choice.add(other, 0, std::vector<std::size_t>{0}), Error);
  EXPECT_THROW(choice.best(0.0), Error);
  EXPECT_THROW(choice.best(1.5), Error);
  EXPECT_THROW(HeadChoice(0, 3), Error);
}

}  // namespace
}  // namespace nibble::rag
