#include "report/paper/attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "paper_store.h"
#include "support/files.h"
#include "unit/report/answers/answer_store.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class PaperAttention : public ::testing::Test {
 protected:
  nibble::testing::TempFolder folder_;
  Data data_ = gather(answer_store(folder_ / "s.db"));
  PaperRows rows_ = method_rows(data_);
};

TEST_F(PaperAttention, IsOfTheTaskThatMeasuresIt) {
  const Table table = paper_attention(data_, rows_, 19);
  ASSERT_EQ(table.columns.size(), 9U);
  EXPECT_THAT(table.caption, HasSubstr("Of squad@512 (8 questions)"));
  EXPECT_EQ(table.rows[0][1].text, "50.0");
  EXPECT_EQ(table.rows[1][1].text, "not summarised yet");
  EXPECT_EQ(table.rows[1][2].text, "1.50 (0.00 [\u22120.010, +0.010])");
  EXPECT_EQ(table.columns[3].title, "Median rank");
  EXPECT_EQ(table.rows[0][3].text, "1.5");
  EXPECT_EQ(table.rows[2][3].text, "not run yet");
  EXPECT_EQ(table.rows[0][7].text, "50.0");
  EXPECT_EQ(table.rows[0][8].text, "75.0") << "F1 of the same task";
}

TEST_F(PaperAttention, DriftOfRightAndWrongAnswers) {
  const Table table = paper_drift(data_, rows_, 25);
  ASSERT_EQ(table.columns.size(), 10U);
  EXPECT_EQ(table.rows[0][1].text, "0.350");
  EXPECT_EQ(table.rows[1][1].text, "0.700 (+0.350 [+0.340, +0.360])");
  EXPECT_THAT(table.rows[0][6].text, StartsWith("\u22120.22 ["));
  EXPECT_THAT(table.rows[0][7].text, StartsWith("0.3000 [")) << "questions 0, 2, 4, 6";
  EXPECT_THAT(table.rows[0][8].text, StartsWith("0.4000 ["));
  EXPECT_EQ(table.rows[0][9].text, "8");
  EXPECT_EQ(table.rows[2][6].text, "not run yet");
}

TEST_F(PaperAttention, CorrelationWithTheQualityOfAnswers) {
  const Table table = paper_attention_quality(data_, rows_, 27);
  ASSERT_EQ(table.columns.size(), 8U);
  EXPECT_THAT(table.rows[0][1].text, StartsWith("+1.00"));
  EXPECT_THAT(table.rows[0][2].text, StartsWith("\u22121.00"));
  EXPECT_EQ(table.rows[0][4].text, "100.0 of 4");
  EXPECT_EQ(table.rows[0][5].text, "0.0 of 4");
  EXPECT_THAT(table.rows[0][6].text, StartsWith("+100.0"));
  EXPECT_EQ(table.rows[0][7].text, "\u2013") << "the reference itself";
  EXPECT_THAT(table.rows[1][2].text, StartsWith("+1.00"));
  EXPECT_THAT(table.rows[1][7].text, StartsWith("+2.00"));
  EXPECT_EQ(table.rows[2][1].text, "not run yet");
}

TEST_F(PaperAttention, AStudyWithoutItSaysSo) {
  const Data data = gather(paper_store(folder_ / "p.db"));
  const PaperRows rows = method_rows(data);
  for (const Table& table : {paper_attention(data, rows, 19),
                             paper_drift(data, rows, 25),
                             paper_attention_quality(data, rows, 27)}) {
    EXPECT_EQ(table.rows[0][1].text, "not part of the study") << table.id;
    EXPECT_THAT(table.caption, HasSubstr("No task of this study")) << table.id;
  }
}

}  // namespace
}  // namespace nibble::report
