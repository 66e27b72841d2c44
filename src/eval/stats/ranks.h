/// Ranks, and how two groups of values lie to each other by rank alone.
///
///   U = #{(a, b): a > b} + #{(a, b): a = b} / 2        over all pairs of the two groups
///   Cliff's delta = 2 U / (n_a n_b) - 1                in [-1, 1]
///   p: two-sided, normal approximation with continuity and tie corrections
///
/// Precision  p is NaN where a group is empty or all values are equal
/// Threads    pure functions
/// Errors     none
/// Source     Mann and Whitney 1947; Cliff 1993; the approximation is scipy's `asymptotic`
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace nibble::eval::stats {

/// Ranks from 1; equal values share the mean of theirs. NaN is not allowed.
std::vector<double> mid_ranks(std::span<const double> values);

struct GroupComparison {
  double u = 0.0;  ///< of the first group
  double cliffs_delta = 0.0;
  double p_value = 0.0;
};

GroupComparison mann_whitney(std::span<const double> first, std::span<const double> second);

}  // namespace nibble::eval::stats
