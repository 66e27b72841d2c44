#include "eval/stats/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace nibble::eval::stats {
namespace {

double mean(std::span<const double> values, std::span<const std::uint32_t> samples) {
  double sum = 0.0;
  for (const std::uint32_t i : samples) {
    sum += values[i];
  }
  return sum / static_cast<double>(samples.size());
}

/// Means are what ratio_interval resamples, with the same draws.
TEST(Bootstrap, OfAMeanIsTheIntervalOfMeans) {
  std::vector<double> values;
  std::vector<Contribution> parts;
  for (int i = 0; i < 51; ++i) {
    values.push_back(std::sin(i));
    parts.push_back({std::sin(i), 1.0});
  }
  const Interval got = bootstrap_interval(
      values.size(), [&](std::span<const std::uint32_t> samples) { return mean(values, samples); });
  const Interval wanted = ratio_interval(parts, Transform::kIdentity);
  EXPECT_NEAR(got.value, wanted.value, 1e-14);
  EXPECT_NEAR(got.low, wanted.low, 1e-14);
  EXPECT_NEAR(got.high, wanted.high, 1e-14);
  EXPECT_EQ(got.n, 51U);
}

TEST(Bootstrap, LeavesOutReplicatesWithoutAValue) {
  // Without sample 0 there is no value: a share of (1 - 1/n)^n, a third, of the replicates.
  const auto with_first = [](std::span<const std::uint32_t> samples) {
    for (const std::uint32_t i : samples) {
      if (i == 0) {
        return 1.0;
      }
    }
    return static_cast<double>(NAN);
  };
  const Interval got = bootstrap_interval(20, with_first);
  EXPECT_EQ(got.low, 1.0);
  EXPECT_EQ(got.high, 1.0);
  const auto never = [](std::span<const std::uint32_t>) { return static_cast<double>(NAN); };
  EXPECT_TRUE(std::isnan(bootstrap_interval(20, never).low));
}

TEST(Bootstrap, OfOneSampleHasNoBounds) {
  const Interval got = bootstrap_interval(1, [](auto) { return 2.0; });
  EXPECT_EQ(got.value, 2.0);
  EXPECT_TRUE(std::isnan(got.low));
}

}  // namespace
}  // namespace nibble::eval::stats
