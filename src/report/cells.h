/// Cells that many tables have in common.
///
/// Source     our own
#pragma once

#include <string>
#include <string_view>

#include "report/data.h"
#include "report/table.h"

namespace nibble::report {

/// A number, or the reason why there is none.
Cell number_cell(const Known<double>& known, double factor = 1);
/// As a percentage; the number of CSV stays a share of 1.
Cell percent_cell(const Known<double>& known);
/// The median with the smallest and the largest; numbers: median, min, max, n.
Cell spread_cell(const Known<Spread>& known, double factor = 1);
Cell median_cell(const Known<Spread>& known, double factor = 1);
/// "1.42×"
Cell ratio_cell(const Known<double>& known);
/// a / b, or the reason of the one that is missing.
Known<double> ratio_of(const Known<double>& a, const Known<double>& b);

/// A column of numbers, with its name in CSV.
Column number_column(std::string title, std::string machine);
/// The names of CSV columns for `spread_cell`.
std::vector<std::string> spread_columns(std::string_view name);

}  // namespace nibble::report
