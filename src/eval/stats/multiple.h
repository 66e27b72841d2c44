/// p-values of a family of comparisons, adjusted so that the chance of any false claim stays below
/// the level.
///
///   sorted ascending: adjusted[i] = max over j <= i of min(1, (m - j) * p[j])
///
/// NaN (a comparison that could not be made) stays NaN and does not count in m.
///
/// Source     Holm 1979
#pragma once

#include <span>
#include <vector>

namespace nibble::eval::stats {

/// In the order of `p_values`.
std::vector<double> holm_adjusted(std::span<const double> p_values);

}  // namespace nibble::eval::stats
