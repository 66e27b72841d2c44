/// A table as a value, and its three written forms.
///
/// A cell has a text for people and, where its column has machine columns, exact numbers for CSV:
/// the text "41.7 [33.1, 50.8]" stands for value, low and high. A cell without a number says why
/// and is never a zero.
///
/// Errors     none
/// Source     LaTeX for the booktabs package; CSV after RFC 4180
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nibble::report {

struct Cell {
  std::string text;
  std::vector<std::optional<double>>
      numbers;                 ///< as many as the column has machine columns, or none
  bool is_missing = false;     ///< `text` says why
  std::string machine_text{};  ///< for CSV, where it is not `text`
};

struct Column {
  std::string title;
  bool is_number = false;  ///< aligned to the right
  std::vector<std::string>
      machine;  ///< CSV columns that replace this one; empty: `title` with the text
};

using Row = std::vector<Cell>;

struct Table {
  std::string id;  ///< file name without extension
  std::string title;
  std::string caption;  ///< how to read it
  std::vector<Column> columns;
  std::vector<Row> rows;
};

Cell text_cell(std::string text);
Cell missing_cell(std::string reason);

std::string markdown(const Table& table);
std::string latex(const Table& table);
std::string csv(const Table& table);

}  // namespace nibble::report
