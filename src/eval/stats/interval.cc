#include "eval/stats/interval.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/nan.h"
#include "eval/python_random.h"
#include "eval/stats/random.h"

namespace nibble::eval::stats {
namespace {

void check_weights(std::span<const Contribution> samples) {
  for (const Contribution& sample : samples) {
    if (!(sample.weight > 0)) {
      raise(
          ErrorCode::kInvalidArgument, "a sample has weight {}, wanted more than 0", sample.weight);
    }
  }
}

/// The metric on one resample of as many samples as there are.
double resampled_value(std::span<const Contribution> samples, Transform transform, Random& random) {
  Contribution total{0, 0};
  for_resample(static_cast<std::uint32_t>(samples.size()), random, [&](std::uint32_t index) {
    total.sum += samples[index].sum;
    total.weight += samples[index].weight;
  });
  return apply(transform, total.sum / total.weight);
}

}  // namespace

Interval ratio_interval(std::span<const Contribution> samples,
                        Transform transform,
                        const ResampleOptions& options) {
  check_weights(samples);
  Interval result{metric_value(samples, transform), kNaN, kNaN, samples.size()};
  if (samples.size() < 2) {
    return result;
  }
  Random random(options.seed);
  std::vector<double> replicates(options.n_replicates);
  for (double& replicate : replicates) {
    replicate = resampled_value(samples, transform, random);
  }
  std::ranges::sort(replicates);
  const double tail = (1 - options.confidence) / 2;
  result.low = quantile(replicates, tail);
  result.high = quantile(replicates, 1 - tail);
  return result;
}

Interval wilson_interval(std::size_t n_right, std::size_t n, double confidence) {
  if (n == 0) {
    return {kNaN, kNaN, kNaN, 0};
  }
  const double z = normal_quantile_two_sided(confidence);
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(n_right) / count;
  const double scale = 1 + z * z / count;
  const double centre = (p + z * z / (2 * count)) / scale;
  const double half = z * std::sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / scale;
  return {p, n_right == 0 ? 0.0 : centre - half, n_right == n ? 1.0 : centre + half, n};
}

Interval metric_interval(std::span<const Contribution> samples,
                         Transform transform,
                         const ResampleOptions& options) {
  if (transform == Transform::kIdentity && std::ranges::all_of(samples, is_right_or_wrong)) {
    const auto n_right = std::ranges::count_if(samples, [](const auto& s) { return s.sum == 1; });
    return wilson_interval(static_cast<std::size_t>(n_right), samples.size(), options.confidence);
  }
  return ratio_interval(samples, transform, options);
}

double mean_standard_error(std::span<const double> values) noexcept {
  if (values.size() < 2) {
    return kNaN;
  }
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) {
    mean += value / n;
  }
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return std::sqrt(squares / (n - 1) / n);
}

double perplexity_standard_error(std::span<const double> values) {
  constexpr std::size_t kReplicates = 1000;  // of a chunk
  constexpr std::uint32_t kChunks = kPerplexityReplicates / kReplicates;
  if (values.size() < 2) {
    return kNaN;
  }
  const auto n = static_cast<double>(values.size());
  std::vector<double> perplexities;
  perplexities.reserve(kChunks * kReplicates);
  for (std::uint32_t chunk = 0; chunk < kChunks; ++chunk) {
    PythonRandom random(chunk);
    for (std::size_t replicate = 0; replicate < kReplicates; ++replicate) {
      double sum = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        sum += values[static_cast<std::size_t>(random.uniform() * n)];
      }
      perplexities.push_back(std::exp(sum / n));
    }
  }
  // The standard error of the mean of k values is their standard deviation / sqrt(k).
  return mean_standard_error(perplexities) * std::sqrt(static_cast<double>(perplexities.size()));
}

double quantile(std::span<const double> sorted, double q) noexcept {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const double below = std::floor(position);
  const auto index = static_cast<std::size_t>(below);
  if (index + 1 >= sorted.size()) {
    return sorted.back();
  }
  return sorted[index] + (position - below) * (sorted[index + 1] - sorted[index]);
}

double normal_quantile_two_sided(double confidence) noexcept {
  // erf(z / sqrt 2) = confidence, by bisection: 60 halvings of [0, 40] reach the last bit.
  double low = 0;
  double high = 40;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (std::erf(middle / std::sqrt(2.0)) < confidence ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace nibble::eval::stats
