#include "report/page/tables.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "report/page/budget.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A name that differs in every row, and a value that is always the same.
Table table_of(std::string id, std::size_t n_rows, std::size_t name_bytes = 20) {
  Table table{std::move(id),
              "Scores <of>",
              "All of them",
              {{"Name", false, {}}, {"Value", true, {"value"}}},
              {}};
  for (std::size_t i = 0; i < n_rows; ++i) {
    table.rows.push_back({text_cell(fmt::format("{:0{}}", i, name_bytes)), {"75.0", {0.75}}});
  }
  return table;
}

Json data_of(const PageTables& tables) {
  return parse_json(tables.data(), "data").take();
}

TEST(PageTables, ASmallTableIsHtmlWithSortKeys) {
  const PageTables tables({{"quality", {table_of("scores", 3)}}});
  const std::string html = tables.folded("quality");
  EXPECT_THAT(html, HasSubstr("<summary>Scores &lt;of&gt;<small>3 rows</small></summary>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"number\" data-sort=\"0.75\">75.0</td>"));
  EXPECT_EQ(tables.data(), "{}");
  EXPECT_EQ(tables.folded("none"), "");
}

TEST(PageTables, WhileAllAreFewNoneNeedsAScript) {
  const PageTables few({{"quality", {table_of("scores", 1000), table_of("flags", 3)}}});
  EXPECT_EQ(few.data(), "{}");
  const PageTables many({{"quality", {table_of("scores", 5000), table_of("flags", 3)}}});
  EXPECT_TRUE(data_of(many).contains("scores"));
  EXPECT_FALSE(data_of(many).contains("flags"));
}

TEST(PageTables, ALargeOneIsDataAndWholeWhereThereIsRoom) {
  const PageTables tables({{"quality", {table_of("scores", 5000)}}});
  const std::string html = tables.folded("quality");
  EXPECT_THAT(html, HasSubstr("data-table=\"scores\""));
  EXPECT_THAT(html, HasSubstr("<small>5000 rows</small>"));
  EXPECT_THAT(html, Not(HasSubstr("The first")));
  EXPECT_THAT(html, Not(HasSubstr("<td")));
  const Json data = data_of(tables);
  EXPECT_EQ(data["scores"]["rows"], 5000);
  EXPECT_EQ(data["scores"]["columns"][0]["texts"].back(), "00000000000000004999");
}

TEST(PageTables, WhatDoesNotFitIsSaidWithItsFile) {
  constexpr std::size_t kRows = 20'000, kNameBytes = 200;  // 4 MB
  const PageTables tables(
      {{"quality", {table_of("scores", kRows, kNameBytes)}}, {"cost", {table_of("cost", 1500)}}});
  EXPECT_LE(tables.data().size(), kTableBytes + 100);
  EXPECT_GT(tables.data().size(), kTableBytes * 9 / 10);
  const Json data = data_of(tables);
  EXPECT_EQ(data["cost"]["rows"], 1500) << "the small one keeps all";
  const auto n_rows = data["scores"]["rows"].get<std::size_t>();
  EXPECT_THAT(
      tables.open("quality"),
      HasSubstr(fmt::format(
          "The first {} of 20000 rows; all of them: <code>tables/scores.csv</code>", n_rows)));
}

TEST(PageTables, LargeOnesShareEqually) {
  constexpr std::size_t kRows = 10'000, kNameBytes = 200;
  const PageTables tables({{"a", {table_of("first", kRows, kNameBytes)}},
                           {"b", {table_of("second", kRows, kNameBytes)}}});
  const Json data = data_of(tables);
  EXPECT_EQ(data["first"]["rows"], data["second"]["rows"]);
  EXPECT_GT(data["first"]["rows"], 2000);
}

}  // namespace
}  // namespace nibble::report
