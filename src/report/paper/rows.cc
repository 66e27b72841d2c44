#include "report/paper/rows.h"

#include <fmt/format.h>

namespace nibble::report {

PaperRows method_rows(const Data& data) {
  PaperRows rows{{}, "Method", ""};
  for (const Variant& variant : data.variants) {
    rows.variants.push_back(&variant);
  }
  return rows;
}

PaperRows calibration_rows(const Data& data) {
  PaperRows rows{{}, "Calibration dataset", ": calibration of GPTQ"};
  for (const Variant& variant : data.variants) {
    if (variant.family == "gptq") {
      rows.variants.push_back(&variant);
    }
  }
  return rows;
}

std::string paper_id(int number) {
  return fmt::format("paper-{:02}", number);
}

std::string paper_title(int number, std::string_view title, const PaperRows& rows) {
  return fmt::format("Table {}: {}{}", number, title, rows.suffix);
}

std::string versus(const Data& data) {
  return fmt::format("vs {}", data.variants.empty() ? "reference" : data.variants[0].record.name);
}

Column name_column(const PaperRows& rows) {
  return {rows.column, false, {}};
}

}  // namespace nibble::report
