#include "report/table.h"

#include <fmt/format.h>

#include "report/format.h"

namespace nibble::report {
namespace {

std::string markdown_cell(const Cell& cell) {
  const std::string text = escape_markdown(cell.text);
  return cell.is_missing ? fmt::format("*{}*", text) : text;
}

std::string latex_cell(const Cell& cell) {
  const std::string text = escape_latex(cell.text);
  return cell.is_missing ? fmt::format("\\emph{{{}}}", text) : text;
}

/// Appends what CSV has for one cell: its text, or one field for each machine column.
void append_fields(std::vector<std::string>& fields, const Cell& cell, const Column& column) {
  if (column.machine.empty()) {
    fields.push_back(escape_csv(cell.machine_text.empty() ? cell.text : cell.machine_text));
    return;
  }
  for (std::size_t i = 0; i < column.machine.size(); ++i) {
    const bool has = i < cell.numbers.size() && cell.numbers[i].has_value();
    fields.push_back(has ? exact_text(*cell.numbers[i]) : "");
  }
}

}  // namespace

Cell text_cell(std::string text) {
  return {std::move(text), {}, false};
}
Cell missing_cell(std::string reason) {
  return {std::move(reason), {}, true};
}

std::string markdown(const Table& table) {
  std::string out = "|";
  std::string rule = "|";
  for (const Column& column : table.columns) {
    out += fmt::format(" {} |", escape_markdown(column.title));
    rule += column.is_number ? "---:|" : "---|";
  }
  out += "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    out += "|";
    for (const Cell& cell : row) {
      out += fmt::format(" {} |", markdown_cell(cell));
    }
    out += "\n";
  }
  return out;
}

std::string latex(const Table& table) {
  std::string columns;
  std::vector<std::string> titles;
  for (const Column& column : table.columns) {
    columns += column.is_number ? 'r' : 'l';
    titles.push_back(escape_latex(column.title));
  }
  std::string out = "% Needs \\usepackage{booktabs}.\n\\begin{table}\n\\centering\n";
  out +=
      fmt::format("\\caption{{{}. {}}}\n", escape_latex(table.title), escape_latex(table.caption));
  out += fmt::format("\\label{{tab:{}}}\n\\begin{{tabular}}{{{}}}\n\\toprule\n", table.id, columns);
  out += fmt::format("{} \\\\\n\\midrule\n", fmt::join(titles, " & "));
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (const Cell& cell : row) {
      cells.push_back(latex_cell(cell));
    }
    out += fmt::format("{} \\\\\n", fmt::join(cells, " & "));
  }
  return out + "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
}

std::string csv(const Table& table) {
  std::vector<std::string> header;
  for (const Column& column : table.columns) {
    if (column.machine.empty()) {
      header.push_back(escape_csv(column.title));
    }
    header.insert(header.end(), column.machine.begin(), column.machine.end());
  }
  std::string out = fmt::format("{}\r\n", fmt::join(header, ","));
  for (const auto& row : table.rows) {
    std::vector<std::string> fields;
    for (std::size_t i = 0; i < row.size(); ++i) {
      append_fields(fields, row[i], table.columns[i]);
    }
    out += fmt::format("{}\r\n", fmt::join(fields, ","));
  }
  return out;
}

}  // namespace nibble::report
