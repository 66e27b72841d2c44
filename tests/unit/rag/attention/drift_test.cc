#include "rag/attention/drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::rag {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using Numbers = std::vector<std::size_t>;

TEST(Drift, OfAJumpAndAWayBack) {
  const std::vector<Scores> masses = {{0.4, 0.4}, {0.2, 0.0}, {0.1, 0.1}, {0.0, 0.1}};
  const Drift drift = *drift_of(masses, Numbers{0});
  constexpr double kHalfToOne = 0.3112781244591328;  // JSD of (1, 0) and (1/2, 1/2)
  const auto near = [](double x) { return DoubleNear(x, 1e-14); };
  EXPECT_THAT(drift.from_start, ElementsAre(near(kHalfToOne), near(0), near(kHalfToOne)));
  EXPECT_THAT(drift.variation, ElementsAre(near(0.5), near(0), near(0.5)));
  EXPECT_THAT(drift.step, ElementsAre(near(kHalfToOne), near(kHalfToOne), near(kHalfToOne)));
  EXPECT_THAT(drift.from_relevant, ElementsAre(near(-0.5), near(0), near(0.5)));
  EXPECT_THAT(drift.document_mass, ElementsAre(near(0.8), near(0.2), near(0.2), near(0.1)));
  EXPECT_THAT(drift.off_gold, ElementsAre(3));

  const DriftSummary summary = summarize(drift);
  EXPECT_EQ(summary.n_steps, 3U);
  EXPECT_NEAR(summary.mean, kHalfToOne * 2 / 3, 1e-14);
  EXPECT_NEAR(summary.most, kHalfToOne, 1e-14);
  EXPECT_NEAR(summary.last, kHalfToOne, 1e-14);
  // Drift 0 d 0 d on t - 3/2: (-d/2 + 3d/2) / 5.
  EXPECT_NEAR(summary.slope, kHalfToOne / 5, 1e-14);
  EXPECT_NEAR(summary.mean_from_relevant, 0.0, 1e-14);
  EXPECT_NEAR(summary.last_from_relevant, 0.5, 1e-14);
  EXPECT_NEAR(summary.share_off_gold, 1.0 / 3, 1e-15);
  EXPECT_EQ(summary.first_off_gold, 3U);
  EXPECT_NEAR(summary.last_document_mass, 0.1, 1e-15);
}

TEST(Drift, OfAttentionThatStaysIsZero) {
  const std::vector<Scores> masses = {{0.2, 0.1}, {0.1, 0.05}};
  const DriftSummary summary = summarize(*drift_of(masses, Numbers{0}));
  EXPECT_NEAR(summary.most, 0.0, 1e-15);
  EXPECT_EQ(summary.first_off_gold, std::nullopt);
}

TEST(Drift, NeedsTwoStepsAndSomeMass) {
  EXPECT_THROW(drift_of(std::vector<Scores>{{1, 2}}, Numbers{0}), Error);
  EXPECT_FALSE(drift_of(std::vector<Scores>{{1, 2}, {0, 0}}, Numbers{0}).has_value());
  EXPECT_THROW(drift_of(std::vector<Scores>{{1, 2}, {1, 2, 3}}, Numbers{0}), Error);
}

}  // namespace
}  // namespace nibble::rag
