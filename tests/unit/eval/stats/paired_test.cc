#include "eval/stats/paired.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace nibble::eval::stats {
namespace {

std::vector<Contribution> scores(std::initializer_list<double> values) {
  std::vector<Contribution> samples;
  for (const double value : values) {
    samples.push_back({value, 1});
  }
  return samples;
}

TEST(PairedDifference, EqualModelsDoNotDiffer) {
  const auto same = scores({1, 0, 1, 1, 0});
  const PairedDifference result = paired_difference(same, same, Transform::kIdentity);
  EXPECT_EQ(result.difference, 0.0);
  EXPECT_EQ(result.low, 0.0);
  EXPECT_EQ(result.high, 0.0);
  EXPECT_EQ(result.standard_error, 0.0);
  EXPECT_EQ(result.p_value, 1.0);
}

TEST(PairedDifference, CancelsWhatThePairsShare) {
  // The samples range from 0 to 100; the variant is one worse each time, so there is no doubt about
  // the difference.
  const auto reference = scores({0, 100, 20, 60, 80, 40});
  const auto variant = scores({-1, 99, 19, 59, 79, 39});
  const PairedDifference result = paired_difference(variant, reference, Transform::kIdentity);
  EXPECT_NEAR(result.difference, -1.0, 1e-12);
  EXPECT_NEAR(result.low, -1.0, 1e-12);
  EXPECT_NEAR(result.high, -1.0, 1e-12);
  EXPECT_GT(ratio_interval(variant, Transform::kIdentity).high, 55.0);
}

TEST(PairedDifference, ExactSignFlipProbability) {
  // Six differences of -1: |mean| reaches 1 only when all signs agree, 2 of 64 ways.
  const PairedDifference result = paired_difference(
      scores({0, 0, 0, 0, 0, 0}), scores({1, 1, 1, 1, 1, 1}), Transform::kIdentity);
  EXPECT_NEAR(result.p_value, 2.0 / 64, 0.005);
}

TEST(PairedDifference, PerplexityGoesThroughTheTransform) {
  const std::vector<Contribution> reference = {{20, 10}, {30, 10}, {10, 5}};
  const std::vector<Contribution> variant = {{21, 10}, {30, 10}, {12, 5}};
  const PairedDifference result = paired_difference(variant, reference, Transform::kExp);
  EXPECT_DOUBLE_EQ(result.reference, std::exp(60.0 / 25));
  EXPECT_DOUBLE_EQ(result.variant, std::exp(63.0 / 25));
  EXPECT_DOUBLE_EQ(result.difference, result.variant - result.reference);
  EXPECT_LE(result.low, result.difference);
  EXPECT_GE(result.high, result.difference);
}

TEST(PairedDifference, FindsALargeEffectAndReportsItsStandardError) {
  std::vector<Contribution> variant(400, Contribution{0, 1});
  std::vector<Contribution> reference(400, Contribution{0, 1});
  for (std::size_t i = 0; i < 400; ++i) {
    reference[i].sum = i < 200 ? 1 : 0;
    variant[i].sum = i < 160 ? 1 : 0;  // 40 of 400 lost
  }
  const PairedDifference result = paired_difference(variant, reference, Transform::kIdentity);
  EXPECT_NEAR(result.difference, -0.1, 1e-12);
  EXPECT_LT(result.high, 0.0);
  EXPECT_NEAR(result.standard_error, std::sqrt(0.1 * 0.9 / 400), 0.001);
  EXPECT_NEAR(result.p_value, 1.0 / 10'001, 1e-12);  // the smallest that 10,000 replicates can show
}

TEST(PairedDifference, OneSampleTellsNothingOfChance) {
  const PairedDifference result = paired_difference(scores({1}), scores({0}), Transform::kIdentity);
  EXPECT_EQ(result.difference, 1.0);
  EXPECT_TRUE(std::isnan(result.low));
  EXPECT_TRUE(std::isnan(result.p_value));
}

TEST(PairedDifference, RefusesUnequalLengths) {
  try {
    paired_difference(scores({1, 0}), scores({0}), Transform::kIdentity);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(),
                 "2 samples of the variant against 1 of the reference, wanted the same samples");
  }
}

}  // namespace
}  // namespace nibble::eval::stats
