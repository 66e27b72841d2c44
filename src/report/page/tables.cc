#include "report/page/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/page/budget.h"
#include "report/page/columns.h"
#include "report/page/script_json.h"

namespace nibble::report {
namespace {

constexpr std::size_t kLongText = 40;

std::string cell_html(const Cell& cell, const Column& column) {
  std::string classes = column.is_number ? "number" : "";
  if (cell.is_missing) {
    classes += " missing";
  } else if (!column.is_number && cell.text.size() > kLongText) {
    classes += " long";
  }
  const bool has_number = !cell.numbers.empty() && cell.numbers.front().has_value();
  const std::string sort = has_number ? exact_text(*cell.numbers.front()) : "";
  return fmt::format("<td class=\"{}\"{}>{}</td>",
                     classes,
                     column.machine.empty() ? "" : fmt::format(" data-sort=\"{}\"", sort),
                     escape_html(cell.text));
}

/// The first rows that take at most `budget` bytes; how many these are.
std::string data_within(const Table& table, std::size_t budget, std::size_t& n_rows) {
  n_rows = table.rows.size();
  std::string data = script_json(columns_json(table, n_rows));
  while (data.size() > budget && n_rows > 0) {
    n_rows = std::min(n_rows - 1, n_rows * budget / data.size());
    data = script_json(columns_json(table, n_rows));
  }
  return data;
}

std::string title_html(const Table& table) {
  return fmt::format("{}<small>{} rows</small>", escape_html(table.title), table.rows.size());
}

std::string cut_html(const Table& table, std::size_t n_rows) {
  if (n_rows == table.rows.size()) {
    return "";
  }
  return fmt::format(
      "<p class=\"caption cut\">The first {} of {} rows; all of them: <code>tables/{}.csv</code> "
      "beside this page.</p>",
      n_rows,
      table.rows.size(),
      table.id);
}

}  // namespace

std::string table_html(const Table& table) {
  std::string out = "<div class=\"scroll\"><table class=\"plain sortable\"><thead><tr>";
  for (const Column& column : table.columns) {
    out += fmt::format("<th scope=\"col\"{}>{}</th>",
                       column.is_number ? " class=\"number\"" : "",
                       escape_html(column.title));
  }
  out += "</tr></thead><tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += cell_html(row[i], table.columns[i]);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>";
}

PageTables::PageTables(TablesOfSections sections) {
  std::size_t n_bytes = 0;
  for (auto& [section, tables] : sections) {
    for (Table& table : tables) {
      Placed placed{std::move(table)};
      placed.n_rows = placed.table.rows.size();
      placed.html = table_html(placed.table);
      n_bytes += placed.html.size();
      sections_[section].push_back(std::move(placed));
    }
  }
  if (n_bytes > kPlainBytes) {
    share();
  }
}

void PageTables::share() {
  std::vector<Placed*> large;
  std::vector<std::size_t> wanted;
  for (auto& [section, tables] : sections_) {
    for (Placed& placed : tables) {
      if (placed.html.size() > kPlainTableBytes) {
        placed.html.clear();
        placed.data = script_json(columns_json(placed.table, placed.n_rows));
        large.push_back(&placed);
        wanted.push_back(placed.data.size());
      }
    }
  }
  const std::vector<std::size_t> shares = fair_shares(wanted, kTableBytes);
  for (std::size_t i = 0; i < large.size(); ++i) {
    if (shares[i] < wanted[i]) {
      large[i]->data = data_within(large[i]->table, shares[i], large[i]->n_rows);
    }
  }
}

const std::vector<PageTables::Placed>& PageTables::of(std::string_view section) const {
  static const std::vector<Placed> kNone;
  const auto found = sections_.find(section);
  return found != sections_.end() ? found->second : kNone;
}

std::string PageTables::body(const Placed& placed) {
  const Table& table = placed.table;
  const std::string caption =
      fmt::format("<p class=\"caption\">{}.</p>", escape_html(table.caption));
  if (placed.data.empty()) {
    return caption + placed.html;
  }
  return fmt::format(
      "{}{}<noscript><p class=\"caption\">A table this large needs JavaScript; it is "
      "<code>tables/{}.csv</code>, too.</p></noscript><div class=\"rows\" data-table=\"{}\"></div>",
      caption,
      cut_html(table, placed.n_rows),
      table.id,
      table.id);
}

std::string PageTables::folded(std::string_view section) const {
  std::string out;
  for (const Placed& placed : of(section)) {
    out += fmt::format(
        "<details><summary>{}</summary>{}</details>\n", title_html(placed.table), body(placed));
  }
  return out;
}

std::string PageTables::open(std::string_view section) const {
  std::string out;
  for (const Placed& placed : of(section)) {
    out += fmt::format(
        "<div class=\"open\"><h3>{}</h3>{}</div>\n", title_html(placed.table), body(placed));
  }
  return out;
}

std::string PageTables::data() const {
  std::string out;
  for (const auto& [section, tables] : sections_) {
    for (const Placed& placed : tables) {
      if (!placed.data.empty()) {
        out += fmt::format("{}\"{}\":{}", out.empty() ? "{" : ",\n", placed.table.id, placed.data);
      }
    }
  }
  return out.empty() ? "{}" : out + "}";
}

}  // namespace nibble::report
