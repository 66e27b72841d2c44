#include "store/canonical.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "store/database.h"
#include "store/schema.h"

namespace nibble::store {
namespace {

/// A table and what its rows are ordered by.
struct OrderedTable {
  std::string_view name;
  std::string_view columns = "*";
  std::string_view order = "";  ///< "": the key, which the table is kept by
};

constexpr std::array kOrderedTables = {
    OrderedTable{"conditions"},
    OrderedTable{"notes", "NULL, text", " ORDER BY position"},
    OrderedTable{"variants"},
    OrderedTable{"tasks"},
    OrderedTable{"contexts"},
    OrderedTable{"metrics"},
    OrderedTable{"units"},
    OrderedTable{"plan", "NULL, unit", " ORDER BY position"},
    OrderedTable{"samples"},
    OrderedTable{"scores"},
    OrderedTable{"attention", "*", " ORDER BY unit, idx"},
    OrderedTable{"measurements"},
    OrderedTable{"failures"},
    OrderedTable{"summaries"},
};

}  // namespace

void write_canonical(const std::filesystem::path& store, const std::filesystem::path& target) {
  Database database = Database::open(target, Database::Mode::kCreate);
  database.execute("PRAGMA foreign_keys = OFF");  // checked when the rows were stored
  create_schema(database);
  database.attach(store, "part");
  Transaction transaction(database);
  for (const OrderedTable& table : kOrderedTables) {
    database.execute(fmt::format("INSERT INTO main.{0} SELECT {1} FROM part.{0}{2}",
                                 table.name,
                                 table.columns,
                                 table.order));
  }
  transaction.commit();
}

}  // namespace nibble::store
