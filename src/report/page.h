/// The report as one HTML file that needs nothing else: style, script, plots' library and data are
/// inside.
///
/// Everything that comes from the store is escaped. Equal data, equal bytes. Below 5 MB however
/// large the study is (page/budget.h).
///
/// Source     our own; plots by Vega (docs/dependencies.md)
#pragma once

#include <string>

#include "report/data.h"
#include "report/findings.h"

namespace nibble::report {

std::string html_page(const Data& data, const Findings& findings);

}  // namespace nibble::report
