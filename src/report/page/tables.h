/// The tables of a page: small ones as HTML that needs no script, large ones as data that the
/// page's script makes rows of when somebody looks.
///
/// Large ones share a budget (page/budget.h). Where it is not enough, a table has its first rows
/// only; it says so, and names the file beside the page that has all of them.
///
/// Source     our own
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "report/table.h"

namespace nibble::report {

/// Rows and columns with sort keys, without the title.
std::string table_html(const Table& table);

using TablesOfSections = std::map<std::string, std::vector<Table>, std::less<>>;

class PageTables {
 public:
  explicit PageTables(TablesOfSections sections);

  /// Each behind its title; "" for a section without tables.
  [[nodiscard]] std::string folded(std::string_view section) const;
  /// Each below its title, in the open.
  [[nodiscard]] std::string open(std::string_view section) const;
  /// The rows of large tables by the table's id, to stand inside a script element.
  [[nodiscard]] std::string data() const;

 private:
  struct Placed {
    Table table;
    std::string html{};  ///< "" for a large one
    std::string data{};  ///< of a large one
    std::size_t n_rows = 0;
  };

  [[nodiscard]] const std::vector<Placed>& of(std::string_view section) const;
  [[nodiscard]] static std::string body(const Placed& placed);
  /// Makes data of the large ones.
  void share();

  std::map<std::string, std::vector<Placed>, std::less<>> sections_;
};

}  // namespace nibble::report
