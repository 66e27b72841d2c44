/// The recipes of a study's variants, as the page and the file beside it have them.
///
/// Source     our own
#pragma once

#include <string>

#include "report/data.h"
#include "report/table.h"

namespace nibble::report {

/// In the order of the study, as many as page/budget.h has room for; the rest is counted.
std::string recipes_html(const Data& data);
/// All of them: "recipes". Written as CSV alone.
Table recipe_table(const Data& data);

}  // namespace nibble::report
