/// What the plots, the pictures and the advice of a page need, as JSON in a script element.
///
/// {"tasks": [{"name", "metric", …}], "variants": [{"name", "results", …}], "answers", "advice"};
/// a result is null, [value, low, high] or [value, low, high, difference, low, high, p,
/// significant], p after Holm's correction.
///
/// A study of very many variants or scores has its first variants only (page/budget.h).
///
/// Precision  results have seven significant digits; what the advice judges is exact
/// Source     our own
#pragma once

#include <cstddef>
#include <string>

#include "report/data.h"

namespace nibble::report {

/// Variants that the plots and the advice have.
std::size_t plotted_variants(const Data& data);
/// What these leave out; "" where they have all.
std::string left_out_html(const Data& data);

std::string plot_data_json(const Data& data);

}  // namespace nibble::report
