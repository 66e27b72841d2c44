#include "report/paper/quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "paper_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;

class PaperQuality : public ::testing::Test {
 protected:
  nibble::testing::TempFolder folder_;
  store::Store store_ = paper_store(folder_ / "s.db");
  Data data_ = gather(store_);
  PaperRows rows_ = method_rows(data_);
};

TEST_F(PaperQuality, PerplexityWithLossDifferenceAndDegradation) {
  const Table table = paper_perplexity(data_, rows_, 11);
  EXPECT_THAT(table.caption, HasSubstr("wikitext_stride512"));
  EXPECT_EQ(table.rows[0][1].text, "20.00 [19.00, 21.00]");
  EXPECT_EQ(table.rows[0][2].text, "3.00");  // ln 20 = 2.9957
  EXPECT_EQ(table.rows[0][3].text, "0.00");
  EXPECT_EQ(table.rows[2][3].text, "+10.00 [+8.00, +12.00]");
  EXPECT_EQ(table.rows[2][4].text, "50.0 %");
  EXPECT_EQ(table.rows[4][1].text, "not run yet");
}

TEST_F(PaperQuality, TasksThatTheStudyLacksSaySo) {
  const Table table = paper_reasoning(data_, rows_, 13);
  ASSERT_EQ(table.columns.size(), 8U);
  EXPECT_EQ(table.columns[4].title, "ARC-Easy");
  EXPECT_EQ(table.rows[0][1].text, "not part of the study");
  EXPECT_EQ(table.rows[0][4].text, "75.0");
  EXPECT_THAT(table.rows[2][4].text, HasSubstr("65.0 (\u221210.0 ["));
  EXPECT_THAT(table.rows[2][7].text, HasSubstr("of 1"));
  EXPECT_EQ(table.rows[2][7].numbers.back(), 1.0);
}

TEST_F(PaperQuality, DegradationIsRelativeToTheReference) {
  store::Plan plan = store_.plan();
  plan.tasks[0].id = "q0";
  plan.tasks[0].name = "gsm8k";
  for (store::UnitRecord& unit : plan.units) {
    if (unit.task == "p0") {
      unit.id = "m" + unit.id;
      unit.task = "q0";
    }
  }
  store_.replace_plan(plan);
  auto lost = choice_summary("mnv2/t0", 40, 0);
  store_.replace_summaries(
      std::vector<store::SummaryRecord>{{"mnv0/t0", "acc", kChoices, 0, 0.75, 0.7, 0.8, {}}, lost});
  data_ = gather(store_);
  const Table table = paper_knowledge(data_, method_rows(data_), 15);
  EXPECT_EQ(table.rows[0][5].text, "0.0 %");
  EXPECT_EQ(table.rows[2][5].text, "13.3 %");  // 10 of 75 points
  EXPECT_EQ(table.rows[1][5].text, "nothing to compare");
}

TEST_F(PaperQuality, WithoutATaskTheTableSaysSo) {
  data_.tasks.pop_back();
  const Table table = paper_perplexity(data_, rows_, 11);
  EXPECT_EQ(table.rows[0][1].text, "not part of the study");
}

}  // namespace
}  // namespace nibble::report
