#include "report/paper/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "paper_store.h"
#include "support/files.h"
#include "unit/report/answers/answer_store.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;

class PaperAnswers : public ::testing::Test {
 protected:
  Data read(const store::Plan& plan, const std::vector<store::SummaryRecord>& summaries) {
    store_.replace_plan(plan);
    store_.replace_summaries(summaries);
    return gather(store_);
  }
  Data read_squad() { return gather(answer_store(folder_ / "a.db")); }

  nibble::testing::TempFolder folder_;
  store::Store store_ = advice_store(folder_ / "s.db");
};

TEST_F(PaperAnswers, ReadingIsOfTheFirstTaskOfTheSet) {
  const Data data = read_squad();
  const Table table = paper_comprehension(data, method_rows(data), 17);
  ASSERT_EQ(table.columns.size(), 7U);
  EXPECT_EQ(table.columns[1].title, "SQuAD (F1)");
  EXPECT_THAT(table.caption, HasSubstr("SQuAD (F1): squad@2048"));
  EXPECT_EQ(table.rows[0][1].text, "37.5");
  EXPECT_EQ(table.rows[1][1].text, "0.0 (\u221237.5 [\u221238.5, \u221236.5]*)");
  EXPECT_EQ(table.rows[0][2].text, "not part of the study");
  EXPECT_THAT(table.rows[1][6].text, HasSubstr("of 1"));
  EXPECT_EQ(table.rows[4][1].text, "not run yet");
}

TEST_F(PaperAnswers, TasksWithoutDocumentsStandInForSetsThatAreNotAsked) {
  const store::MetricRecord em{"exact_match", "fraction", true, "identity"};
  const store::MetricRecord drop_em{"em", "fraction", true, "identity"};
  const store::MetricRecord f1{"f1", "fraction", true, "identity"};
  const Data data = read(answer_plan({{"e0", "squadv2", 1, "", "d", 40, {f1}},
                                      {"e1", "triviaqa", 1, "", "d", 40, {em}},
                                      {"e2", "drop", 1, "", "d", 40, {drop_em, f1}}}),
                         {answer_summary("v0/e0", "f1", 0.9),
                          answer_summary("v0/e1", "exact_match", 0.2),
                          answer_summary("v0/e2", "em", 0.1),
                          answer_summary("v0/e2", "f1", 0.3)});
  const Table table = paper_comprehension(data, method_rows(data), 17);
  EXPECT_EQ(table.rows[0][1].text, "not run yet") << "the [[rag]] task comes first";
  EXPECT_EQ(table.columns[3].title, "TriviaQA (EM)");
  EXPECT_EQ(table.rows[0][3].text, "20.0");
  EXPECT_EQ(table.columns[4].title, "DROP (F1)");
  EXPECT_EQ(table.rows[0][4].text, "30.0");
  EXPECT_EQ(table.rows[0][6].text, "25.0 of 2");
}

TEST_F(PaperAnswers, LengthsAscendAndTheLossIsRelative) {
  const Data data = read_squad();
  const Table table = paper_lengths(data, method_rows(data), 23);
  ASSERT_EQ(table.columns.size(), 6U);
  EXPECT_EQ(table.columns[1].title, "512 tok");
  EXPECT_EQ(table.columns[5].title, "Degradation 512 to 2048");
  EXPECT_EQ(table.rows[0][1].text, "75.0");
  EXPECT_EQ(table.rows[0][2].text, "not part of the study");
  EXPECT_EQ(table.rows[0][3].text, "37.5");
  EXPECT_EQ(table.rows[0][5].text, "50.0 %");
  EXPECT_EQ(table.rows[1][5].text, "100.0 %");
  EXPECT_EQ(table.rows[4][5].text, "not run yet");
}

TEST_F(PaperAnswers, LengthsOfOtherQuestionsOrPositionsAreNotMixed) {
  store::Plan plan = answer_plan();
  plan.tasks[1].context->gold_slot = 3;
  const Data data =
      read(plan, {answer_summary("v0/s0", "f1", 0.4), answer_summary("v0/s1", "f1", 0.8)});
  const Table table = paper_lengths(data, method_rows(data), 23);
  EXPECT_EQ(table.rows[0][1].text, "not part of the study");
  EXPECT_EQ(table.rows[0][3].text, "40.0");
  EXPECT_EQ(table.rows[0][5].text, "one length, two wanted");
}

TEST_F(PaperAnswers, AStudyWithoutSuchTasksSaysSo) {
  const Data data = gather(paper_store(folder_ / "p.db"));
  const PaperRows rows = method_rows(data);
  for (const Table& table : {paper_comprehension(data, rows, 17),
                             paper_degradation(data, rows, 21),
                             paper_lengths(data, rows, 23)}) {
    EXPECT_EQ(table.rows[0][1].text, "not part of the study") << table.id;
    EXPECT_THAT(table.caption, HasSubstr("o task of this study")) << table.id;
  }
}

}  // namespace
}  // namespace nibble::report
