#include "report/tables.h"

#include <gtest/gtest.h>

#include <functional>

#include "small_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;

/// Golden files lie in tests/golden/report. After a wanted change, write what the test prints into
/// them and look at the difference.
TEST(Tables, GoldenTextOfASmallStore) {
  const TempFolder folder;
  const Data data = gather(small_store(folder / "s.db"));
  for (const Table& table : all_tables(data)) {
    const std::vector<std::pair<std::string, std::string>> forms = {
        {".md", markdown(table)}, {".tex", latex(table)}, {".csv", csv(table)}};
    for (const auto& [extension, text] : forms) {
      const auto path = nibble::testing::golden("report/" + table.id + extension);
      ASSERT_TRUE(path) << "no golden file for " << table.id << extension << "; it would hold:\n"
                        << text;
      EXPECT_EQ(text, nibble::testing::read_file(*path)) << table.id << extension;
    }
  }
}

TEST(Tables, EveryRowHasACellForEachColumn) {
  const TempFolder folder;
  for (const Table& table : all_tables(gather(small_store(folder / "s.db")))) {
    for (const auto& row : table.rows) {
      ASSERT_EQ(row.size(), table.columns.size()) << table.id;
      for (std::size_t i = 0; i < row.size(); ++i) {
        EXPECT_LE(row[i].numbers.size(), std::max<std::size_t>(table.columns[i].machine.size(), 0))
            << table.id << ", " << table.columns[i].title;
      }
    }
  }
}

TEST(Tables, WorseDependsOnTheDirection) {
  const store::ComparisonRecord up{1, 0.5, 1.5, 0.01, 0.02, 10, {}, {}};
  EXPECT_TRUE(is_worse(up, {"perplexity", "", false, "exp"}));
  EXPECT_FALSE(is_worse(up, {"acc", "fraction", true, "identity"}));
  EXPECT_TRUE(is_significant(up));
  EXPECT_FALSE(is_significant({1, 0.5, 1.5, 0.01, 0.05, 10, {}, {}}));
}

}  // namespace
}  // namespace nibble::report
