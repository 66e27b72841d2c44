#include "store/canonical.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/database.h"
#include "store/store.h"
#include "support/files.h"

namespace nibble::store {
namespace {

TEST(Canonical, EveryTableIsCopied) {
  const testing::TempFolder folder;
  { const Store store = Store::open(folder / "a.db"); }
  write_canonical(folder / "a.db", folder / "b.db");
  Database copy = Database::open(folder / "b.db", Database::Mode::kCreate);
  copy.execute("PRAGMA foreign_keys = OFF");
  std::vector<std::string> tables;
  {
    Statement names(copy, "SELECT name FROM sqlite_schema WHERE type = 'table'");
    while (names.step()) {
      tables.push_back(names.text(0));
    }
  }
  ASSERT_GT(tables.size(), 10U);
  for (const std::string& table : tables) {  // a row of anything that the table takes
    std::string values;
    Statement columns(copy, fmt::format("SELECT count(*) FROM pragma_table_info('{}')", table));
    columns.step();
    for (std::int64_t i = 0; i < columns.integer(0); ++i) {
      values += i == 0 ? "1" : ",1";
    }
    copy.execute(fmt::format("INSERT INTO {} VALUES ({})", table, values));
  }
  write_canonical(folder / "b.db", folder / "c.db");
  Database second = Database::open(folder / "c.db", Database::Mode::kReadOnly);
  for (const std::string& table : tables) {
    Statement count(second, fmt::format("SELECT count(*) FROM {}", table));
    count.step();
    EXPECT_EQ(count.integer(0), 1) << table;
  }
}

TEST(Canonical, NumbersOfRowsAreMadeAnew) {
  const testing::TempFolder folder;
  {
    Store store = Store::open(folder / "a.db");
    store.replace_notes(std::vector<std::string>{"first", "second"});
    Database raw = Database::open(folder / "a.db", Database::Mode::kCreate);
    raw.execute("UPDATE notes SET position = position + 10");
    Store other = Store::open(folder / "b.db");
    other.replace_notes(std::vector<std::string>{"first", "second"});
  }
  write_canonical(folder / "a.db", folder / "a2.db");
  write_canonical(folder / "b.db", folder / "b2.db");
  EXPECT_EQ(testing::read_file(folder / "a2.db"), testing::read_file(folder / "b2.db"));
}

}  // namespace
}  // namespace nibble::store
