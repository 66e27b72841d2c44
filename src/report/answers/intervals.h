/// Estimates with their intervals as cells of a table.
///
/// NaN is no number: bounds that are NaN are left out, a value that is NaN gives a cell with the
/// reason. Minus is U+2212.
///
/// Source     our own
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/stats/correlation.h"
#include "eval/stats/interval.h"
#include "report/table.h"

namespace nibble::report {

/// How a number is written: times `factor`, with `digits` decimals.
struct NumberStyle {
  double factor = 1;
  int digits = 2;
};
inline constexpr NumberStyle kPoints{100, 1};
inline constexpr NumberStyle kPlain{1, 2};
inline constexpr NumberStyle kFine{1, 4};

enum class Sign : std::uint8_t { kMinusOnly, kAlways };

std::optional<double> unless_nan(double value);

/// "41.7 [33.1, 50.8]"; without bounds "41.7".
std::string interval_text(const eval::stats::Interval& interval,
                          const NumberStyle& style,
                          Sign sign);

/// Numbers: value, low, high.
Cell interval_cell(const eval::stats::Interval& interval,
                   const NumberStyle& style,
                   Sign sign,
                   std::string_view reason);
/// Of a column of such cells.
Column interval_column(std::string title, std::string_view machine);

/// "+0.31 [+0.05, +0.53], p 0.02"; numbers: value, low, high, p.
Cell correlation_cell(const eval::stats::Correlation& correlation);
Column correlation_column(std::string title, std::string_view machine);

}  // namespace nibble::report
