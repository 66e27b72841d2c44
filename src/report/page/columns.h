/// A table as data that the page's script makes rows of.
///
/// Each column is a dictionary of its different cells and, for every row, the number of its cell:
/// a table of thousands of rows repeats itself. Left out where they say nothing: the numbers of a
/// column whose cells are all the same or all different, sort keys that are the text itself.
///
/// Precision  sort keys have seven significant digits
/// Source     our own
#pragma once

#include <cstddef>

#include "base/json.h"
#include "report/table.h"

namespace nibble::report {

/// {"rows": 2, "columns": [{"title", "number", "texts", "keys"?, "missing"?, "of"?}]}
Json columns_json(const Table& table, std::size_t n_rows);

}  // namespace nibble::report
