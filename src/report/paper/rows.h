/// Which variants a table of the paper has as rows.
///
/// Odd tables list all variants under "Method"; even ones list what GPTQ made under "Calibration
/// dataset", each against the same reference.
///
/// Source     our own
#pragma once

#include <string>
#include <vector>

#include "report/data.h"
#include "report/table.h"

namespace nibble::report {

struct PaperRows {
  std::vector<const Variant*> variants;
  std::string column;  ///< title of the first column
  std::string suffix;  ///< behind the table's title
};

PaperRows method_rows(const Data& data);
PaperRows calibration_rows(const Data& data);

/// "paper-03"; with titles "Table 3: …".
std::string paper_id(int number);
std::string paper_title(int number, std::string_view title, const PaperRows& rows);

/// The value of a column's header that names what it is compared with: "vs reference".
std::string versus(const Data& data);

/// The first column, and a cell for each variant's name.
Column name_column(const PaperRows& rows);

}  // namespace nibble::report
