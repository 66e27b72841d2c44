#include "report/retrieval/tables.h"

#include <gmock/gmock.h>

#include "report/write.h"
#include "retrieval_store.h"
#include "support/files.h"
#include "unit/report/small_store.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RetrievalTables : public ::testing::Test {
 protected:
  const Cell& cell(const Table& table, std::size_t row, std::string_view title) const {
    const auto column = std::ranges::find(table.columns, title, &Column::title);
    EXPECT_NE(column, table.columns.end()) << title;
    return table.rows.at(row).at(static_cast<std::size_t>(column - table.columns.begin()));
  }
  nibble::testing::TempFolder folder_;
  Data data_ = gather(retrieval_store(folder_ / "s.db"));
};

TEST_F(RetrievalTables, RetrieversWorkedByHand) {
  const Table table = retriever_table(data_);
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(cell(table, 1, "How").text, "dense by mini in int4g32a");
  EXPECT_EQ(cell(table, 0, "Encoder MB").text, "no encoder");
  EXPECT_TRUE(cell(table, 0, "Encoder MB").is_missing) << "missing, not zero";
  EXPECT_EQ(cell(table, 1, "Encoder MB").numbers.at(0), 6.0);
  EXPECT_EQ(cell(table, 0, "Build s").numbers.at(0), 0.5);
  EXPECT_EQ(cell(table, 1, "Build s").text, "made in several runs");
  EXPECT_EQ(cell(table, 0, "ms a question").numbers.at(0), 2.0);
  EXPECT_EQ(cell(table, 0, "Passages").text, "2");
  EXPECT_EQ(cell(table, 0, "Recall (%)").text, "50.0 [10.0, 90.0]");
  EXPECT_EQ(cell(table, 1, "Recall (%)").text, "75.0 [30.0, 95.0] (+25.0 [\u221225.0, +75.0])");
  EXPECT_EQ(cell(table, 1, "Recall (%)").numbers.at(3), 0.25);
  EXPECT_EQ(cell(table, 0, "MRR@10 (%)").text, "the set names no right passages");
  EXPECT_THAT(csv(table), HasSubstr("recall,recall_low,recall_high,recall_difference,"));
}

TEST_F(RetrievalTables, ModelsBehindThemWorkedByHand) {
  const Table table = pipeline_table(data_);
  ASSERT_EQ(table.rows.size(), 4U);
  EXPECT_EQ(cell(table, 0, "Memory MB").numbers.at(0), 102.0) << "weights and index";
  EXPECT_EQ(cell(table, 3, "Memory MB").numbers.at(0), 47.0) << "weights, encoder and index";
  EXPECT_EQ(cell(table, 2, "Search ms").numbers.at(0), 5.0);
  EXPECT_EQ(cell(table, 2, "First token ms").text, "not part of the study");
  EXPECT_EQ(cell(table, 2, "F1 (%)").text, "75.0 [30.0, 95.0]");
  EXPECT_EQ(cell(table, 3, "F1 (%)").text, "not run yet");
  EXPECT_THAT(cell(table, 2, "F1, change (points)").text, HasSubstr("+25.0 ["));
  EXPECT_EQ(cell(table, 0, "F1, change (points)").text, "the first retriever");
}

TEST_F(RetrievalTables, StandInTheReportWhereThereAreRetrievers) {
  EXPECT_THAT(retrieval_tables(gather(small_store(folder_ / "other.db"))), IsEmpty());
  EXPECT_EQ(retrieval_tables(data_).size(), 2U);
  write_report(store::Store::open_read_only(folder_ / "s.db"), folder_ / "report");
  EXPECT_THAT(nibble::testing::read_file(folder_ / "report/index.html"),
              HasSubstr("Models behind retrievers"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "report/tables/retrievers.csv"));
}

}  // namespace
}  // namespace nibble::report
