/// The repetitions of one measurement. The middle one is quoted, the outer ones show the spread.
///
/// Source     our own
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace nibble::report {

struct Spread {
  double median = 0, min = 0, max = 0;
  std::size_t n = 0;
  std::vector<double> sorted{};  ///< all of them, ascending
};

/// `values` are one or more.
inline Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t n = values.size();
  const double median = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
  const double least = values.front(), most = values.back();
  return {median, least, most, n, std::move(values)};
}

}  // namespace nibble::report
