/// How two numbers of the same samples go together.
///
///   pearson   r = cov(x, y) / (s_x s_y);   t = r sqrt((n - 2) / (1 - r^2)), n - 2 degrees
///   spearman  Pearson's r of mid-ranks, p by the same t
///   interval  tanh(atanh r -+ z s), s = 1 / sqrt(n - 3), for Spearman sqrt(1.06 / (n - 3))
///   partial   -P_xy / sqrt(P_xx P_yy), P the inverse of the correlations of x, y and the controls
///
/// Precision  NaN where x or y does not vary, for fewer than 3 samples (bounds: 4), and for partial
///            correlations whose controls determine each other
/// Threads    pure functions
/// Errors     kInvalidArgument for samples of different numbers
/// Source     Fisher 1915; Fieller, Hartley and Pearson 1957 (1.06); reference/evaluation.md 4.7
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace nibble::eval::stats {

struct Correlation {
  double value;
  double low;
  double high;
  double p_value;  ///< two-sided, of no correlation
  std::size_t n;
};

/// The value alone.
double pearson_r(std::span<const double> x, std::span<const double> y);
double spearman_rho(std::span<const double> x, std::span<const double> y);

Correlation pearson(std::span<const double> x, std::span<const double> y, double confidence = 0.95);
Correlation spearman(std::span<const double> x,
                     std::span<const double> y,
                     double confidence = 0.95);

/// Spearman's rho of x and y with what the controls explain taken out; p with n - 2 - controls
/// degrees.
Correlation partial_spearman(std::span<const double> x,
                             std::span<const double> y,
                             std::span<const std::vector<double>> controls,
                             double confidence = 0.95);

/// Correlations of groups as one: atanh r weighted by n - 3. Groups without a value or with fewer
/// than 4 samples do not count; |r| counts as at most 1 - 1 / n, as the atanh of 1 would outweigh
/// all other groups.
Correlation pooled(std::span<const Correlation> groups, double confidence = 0.95);

}  // namespace nibble::eval::stats
