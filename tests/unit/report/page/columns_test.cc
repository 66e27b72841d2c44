#include "report/page/columns.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace nibble::report {
namespace {

/// Tasks and values: equal texts, equal texts of different numbers, numbers that are missing.
Table repeating_table() {
  Table table{"scores", "Scores", "", {{"Task", false, {}}, {"Value", true, {"value"}}}, {}};
  table.rows = {{text_cell("arc"), {"50.0", {0.5}}},
                {text_cell("arc"), {"50.0", {0.50001}}},
                {text_cell("piqa"), {"50.0", {0.5}}},
                {text_cell("piqa"), missing_cell("not run yet")}};
  return table;
}

TEST(Columns, ACellThatRepeatsStandsOnce) {
  EXPECT_EQ(columns_json(repeating_table(), 4), Json::parse(R"({"rows": 4, "columns": [
      {"title": "Task", "number": false, "texts": ["arc", "piqa"], "of": [0, 0, 1, 1]},
      {"title": "Value", "number": true, "texts": ["50.0", "50.0", "not run yet"], "keys": [0.5, 0.50001, null],
       "missing": [2], "of": [0, 1, 0, 2]}]})"));
}

TEST(Columns, AllTheSameOrAllDifferentNeedNoNumbers) {
  const Json columns = columns_json(repeating_table(), 2)["columns"];
  EXPECT_EQ(columns[0]["texts"], Json::parse(R"(["arc"])"));
  EXPECT_FALSE(columns[0].contains("of"));
  EXPECT_EQ(columns[1]["texts"].size(), 2U);
  EXPECT_FALSE(columns[1].contains("of"));
}

TEST(Columns, NoRowsAreNoCells) {
  const Json json = columns_json(repeating_table(), 0);
  EXPECT_EQ(json["rows"], 0);
  EXPECT_TRUE(json["columns"][1]["texts"].empty());
}

TEST(Columns, TextThatIsNotUtf8AndNumbersThatAreNotFiniteDoNoHarm) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  Table table = repeating_table();
  table.rows = {{text_cell("\xFF"), {"inf", {kInfinite}}}, {text_cell("b"), {"inf", {kInfinite}}}};
  const Json columns = columns_json(table, 2)["columns"];
  EXPECT_EQ(columns[0]["texts"][0], "\uFFFD");
  EXPECT_EQ(columns[1]["keys"], Json::parse("[null]"));
}

}  // namespace
}  // namespace nibble::report
