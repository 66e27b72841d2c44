#include "report/paper/scores.h"

#include <gtest/gtest.h>

#include "paper_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

store::SummaryRecord compared(double value, double difference, double half_width) {
  store::SummaryRecord row{"u", "acc", 10, 0, value, {}, {}, {}};
  row.comparison = store::ComparisonRecord{
      difference, difference - half_width, difference + half_width, 1, 1, 10, {}, {}};
  return row;
}

TEST(PaperScores, ErrorsOfIndependentTasksAddInSquares) {
  Average average;
  average.add(compared(0.5, -0.1, 0.03));
  average.add(compared(0.7, 0.1, 0.04));
  EXPECT_TRUE(average.is_compared());
  EXPECT_DOUBLE_EQ(average.mean(average.value), 0.6);
  EXPECT_NEAR(average.mean(average.difference), 0, 1e-15);
  EXPECT_NEAR(average.half_width(), 0.025, 1e-12);  // 0.05 / 2
  average.add({"u", "acc", 10, 0, 0.9, {}, {}, {}});
  EXPECT_FALSE(average.is_compared());
}

TEST(PaperScores, CellsAndTheirAverage) {
  const nibble::testing::TempFolder folder;
  const Data data = gather(paper_store(folder / "s.db"));
  const PaperRows rows = method_rows(data);
  const std::vector<ScoreColumn> columns{{"A", "a", 0, *find_metric(data.tasks[0], "acc")},
                                         {"B", "b"}};
  Table table = score_table(data, rows, columns, {"id", "title", "caption", {}, {}});
  add_average(rows, columns, table);
  ASSERT_EQ(table.columns.size(), 4U);
  EXPECT_EQ(table.rows[0][1].text, "75.0");
  EXPECT_EQ(table.rows[0][2].text, "not part of the study");
  EXPECT_EQ(table.rows[0][3].text, "75.0 of 1");
  EXPECT_EQ(table.rows[4][3].text, "no score");
  EXPECT_EQ(find_metric(data.tasks[0], "f1"), std::nullopt);
}

}  // namespace
}  // namespace nibble::report
