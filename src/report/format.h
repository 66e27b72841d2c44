/// Numbers and text as a report prints them.
///
/// Fractions are printed as percentages. A difference carries its sign, with U+2212 for minus.
///
/// Source     our own; escapes after the HTML standard, LaTeX's special characters and RFC 4180
#pragma once

#include <string>
#include <string_view>

#include "store/records.h"

namespace nibble::report {

inline constexpr double kMegabyte = 1e6;  ///< bytes

/// "%" for fractions, "points" for their differences, else the metric's own unit unless its
/// name ends with it.
std::string unit_label(const store::MetricRecord& metric);
std::string difference_label(const store::MetricRecord& metric);

std::string value_text(double value, const store::MetricRecord& metric);
/// "1.7 points", "0.31 perplexity"
std::string loss_text(double loss, const store::MetricRecord& metric);
std::string difference_text(double difference, const store::MetricRecord& metric);
/// About four significant digits, never an exponent below a million.
std::string number_text(double value);
std::string p_text(double p);  ///< "0.012", "< 0.001"
std::string megabytes_text(double bytes);
/// The shortest text that reads back as the same number.
std::string exact_text(double value);

std::string escape_html(std::string_view text);
std::string escape_latex(std::string_view text);
std::string escape_markdown(std::string_view text);
std::string escape_csv(std::string_view text);

/// `text` with bytes that are not UTF-8 as U+FFFD.
std::string valid_utf8(std::string_view text);
/// About `n` bytes, cut between characters; what is left out of the middle is said.
std::string shorten(std::string_view text, std::size_t n);

}  // namespace nibble::report
