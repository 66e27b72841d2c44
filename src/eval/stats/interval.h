/// How far a metric may be from its value on all questions that could have been asked.
///
/// `ratio_interval` resamples whole samples with replacement and takes percentiles of
/// f(sum / weight); samples are the unit of chance, never tokens. `wilson_interval` is the closed
/// form for answers that are right or wrong.
///
/// Requires   every weight > 0
/// Precision  bounds are NaN for fewer than two samples, the value too for none
/// Threads    pure functions
/// Errors     kInvalidArgument for a weight that is not positive
/// Source     Efron 1979 (percentile bootstrap); Wilson 1927; lm-evaluation-harness mean_stderr,
///            bootstrap_stderr
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "eval/metric.h"

namespace nibble::eval::stats {

struct ResampleOptions {
  std::uint64_t seed = 1234;
  std::size_t n_replicates = 10'000;
  double confidence = 0.95;
};

struct Interval {
  double value;
  double low;
  double high;
  std::size_t n;  ///< samples
};

Interval ratio_interval(std::span<const Contribution> samples,
                        Transform transform,
                        const ResampleOptions& options = {});

/// `confidence` is two-sided.
Interval wilson_interval(std::size_t n_right, std::size_t n, double confidence = 0.95);

/// Wilson where every sample is 0 or 1 with weight 1 and the transform is the identity; otherwise
/// the bootstrap.
Interval metric_interval(std::span<const Contribution> samples,
                         Transform transform,
                         const ResampleOptions& options = {});

/// Sample standard deviation / sqrt(n), as lm-evaluation-harness prints it for means; NaN for fewer
/// than two.
double mean_standard_error(std::span<const double> values) noexcept;

inline constexpr std::size_t kPerplexityReplicates = 100'000;

/// Of exp(mean of `values`), as lm-evaluation-harness bootstraps a perplexity: its replicates
/// in chunks of 1,000, each drawn by Python's generator seeded with the chunk's number. NaN for
/// fewer than two. Seconds for thousands of values.
double perplexity_standard_error(std::span<const double> values);

/// Linear interpolation between order statistics (numpy's default); `sorted` is ascending and not
/// empty, q in [0, 1].
double quantile(std::span<const double> sorted, double q) noexcept;

/// z such that a standard normal lies in [-z, z] with probability `confidence`.
double normal_quantile_two_sided(double confidence) noexcept;

}  // namespace nibble::eval::stats
