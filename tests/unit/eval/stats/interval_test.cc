#include "eval/stats/interval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace nibble::eval::stats {
namespace {

std::vector<Contribution> right_and_wrong(std::size_t n_right, std::size_t n) {
  std::vector<Contribution> samples(n, Contribution{0, 1});
  for (std::size_t i = 0; i < n_right; ++i) {
    samples[i].sum = 1;
  }
  return samples;
}

TEST(RatioInterval, EqualSamplesLeaveNoDoubt) {
  const std::vector<Contribution> samples(9, Contribution{4.0, 2.0});
  const Interval interval = ratio_interval(samples, Transform::kExp);
  EXPECT_DOUBLE_EQ(interval.value, std::exp(2.0));
  EXPECT_DOUBLE_EQ(interval.low, interval.value);
  EXPECT_DOUBLE_EQ(interval.high, interval.value);
  EXPECT_EQ(interval.n, 9U);
}

TEST(RatioInterval, AgreesWithTheNormalApproximation) {
  // 400 samples, p = 0.25: standard error sqrt(0.25 * 0.75 / 400) = 0.02165.
  const Interval interval = ratio_interval(right_and_wrong(100, 400), Transform::kIdentity);
  EXPECT_DOUBLE_EQ(interval.value, 0.25);
  EXPECT_NEAR(interval.low, 0.25 - 1.96 * 0.02165, 0.004);
  EXPECT_NEAR(interval.high, 0.25 + 1.96 * 0.02165, 0.004);
}

TEST(RatioInterval, TwoSamplesHaveThreeResamples) {
  // (0,0), (0,1) twice, (1,1): quarter, half, quarter; so the 95 % interval spans everything.
  const std::vector<Contribution> samples = {{0, 1}, {1, 1}};
  const Interval interval = ratio_interval(samples, Transform::kIdentity);
  EXPECT_EQ(interval.low, 0.0);
  EXPECT_EQ(interval.high, 1.0);
}

TEST(RatioInterval, TheSeedDecides) {
  const auto samples = right_and_wrong(13, 37);
  const Interval a = ratio_interval(samples, Transform::kExp, {.seed = 5});
  const Interval b = ratio_interval(samples, Transform::kExp, {.seed = 5});
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
}

TEST(RatioInterval, HasNoBoundsBelowTwoSamples) {
  const Interval none = ratio_interval({}, Transform::kIdentity);
  EXPECT_TRUE(std::isnan(none.value));
  const Interval one = ratio_interval(right_and_wrong(1, 1), Transform::kIdentity);
  EXPECT_EQ(one.value, 1.0);
  EXPECT_TRUE(std::isnan(one.low));
  EXPECT_TRUE(std::isnan(one.high));
}

TEST(RatioInterval, RefusesAWeightOfZero) {
  const std::vector<Contribution> samples = {{1, 1}, {1, 0}};
  try {
    ratio_interval(samples, Transform::kIdentity);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(), "a sample has weight 0, wanted more than 0");
  }
}

TEST(WilsonInterval, HandWorked) {
  // 8 of 10 at 95 %: centre (0.8 + 0.19207) / 1.38415, half width 1.95996 * sqrt(0.016 + 0.009604)
  // / 1.38415.
  const Interval interval = wilson_interval(8, 10);
  EXPECT_DOUBLE_EQ(interval.value, 0.8);
  EXPECT_NEAR(interval.low, 0.49016, 1e-5);
  EXPECT_NEAR(interval.high, 0.94332, 1e-5);
}

TEST(WilsonInterval, EndsAreExact) {
  EXPECT_EQ(wilson_interval(0, 20).low, 0.0);
  EXPECT_GT(wilson_interval(0, 20).high, 0.1);
  EXPECT_EQ(wilson_interval(20, 20).high, 1.0);
  EXPECT_TRUE(std::isnan(wilson_interval(0, 0).value));
}

TEST(MetricInterval, ChoosesByTheData) {
  const auto samples = right_and_wrong(8, 10);
  EXPECT_EQ(metric_interval(samples, Transform::kIdentity).low, wilson_interval(8, 10).low);
  EXPECT_EQ(metric_interval(samples, Transform::kExp).low,
            ratio_interval(samples, Transform::kExp).low);
  auto graded = samples;
  graded[0].sum = 0.5;
  EXPECT_EQ(metric_interval(graded, Transform::kIdentity).low,
            ratio_interval(graded, Transform::kIdentity).low);
}

TEST(MeanStandardError, OfRightAndWrong) {
  // sqrt(p (1 - p) / (n - 1)) with p = 0.75, n = 4: 0.25.
  EXPECT_DOUBLE_EQ(mean_standard_error(std::vector<double>{1, 1, 1, 0}), 0.25);
  EXPECT_TRUE(std::isnan(mean_standard_error(std::vector<double>{1})));
}

TEST(PerplexityStandardError, IsBootstrappedAsLmEvalDoes) {
  // bootstrap_stderr(perplexity, [-1, -2, -4], 100000) of lm-eval 0.4.13
  EXPECT_NEAR(perplexity_standard_error(std::vector<double>{1, 2, 4}), 10.9928759685633, 1e-9);
  EXPECT_NEAR(perplexity_standard_error(std::vector<double>{0.5, 3.25, 0.125, 7, 2.5}),
              48.299332603444576,
              1e-9);
  EXPECT_TRUE(std::isnan(perplexity_standard_error(std::vector<double>{1})));
}

TEST(Quantile, InterpolatesLinearly) {
  const std::vector<double> sorted = {1, 2, 4, 8};
  EXPECT_DOUBLE_EQ(quantile(sorted, 0.0), 1.0);
  EXPECT_DOUBLE_EQ(quantile(sorted, 0.5), 3.0);
  EXPECT_DOUBLE_EQ(quantile(sorted, 0.9), 6.8);
  EXPECT_DOUBLE_EQ(quantile(sorted, 1.0), 8.0);
}

TEST(NormalQuantile, KnownValues) {
  EXPECT_NEAR(normal_quantile_two_sided(0.95), 1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_quantile_two_sided(0.90), 1.6448536269514722, 1e-12);
}

}  // namespace
}  // namespace nibble::eval::stats
