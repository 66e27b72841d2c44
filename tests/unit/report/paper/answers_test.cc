#include "report/paper/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "paper_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;

/// squad at 512 and 2,048 tokens, the first with attention; and the tasks `more`.
store::Plan answer_plan(const std::vector<store::TaskRecord>& more = {}) {
  const store::MetricRecord f1{"f1", "fraction", true, "identity"};
  const store::MetricRecord em{"exact_match", "fraction", true, "identity"};
  store::Plan plan = advice_plan();
  plan.tasks = {{"s0", "squad@2048", 1, "gold", "d", 40, {f1, em}},
                {"s1",
                 "squad@512",
                 1,
                 "gold",
                 "d",
                 40,
                 {f1,
                  em,
                  {"attention_p1", "fraction", true, "identity"},
                  {"attention_rank", "rank", false, "identity"},
                  {"drift_mean", "bits", false, "identity"}}}};
  plan.tasks[0].context = store::ContextRecord{"squad", "gold", {}, 2048, {}};
  plan.tasks[1].context = store::ContextRecord{"squad", "gold", {}, 512, {}};
  plan.tasks.insert(plan.tasks.end(), more.begin(), more.end());
  plan.units.clear();
  for (const store::VariantRecord& variant : plan.variants) {
    for (const store::TaskRecord& task : plan.tasks) {
      plan.units.push_back({variant.id + "/" + task.id, variant.id, task.id, ""});
    }
  }
  return plan;
}

store::SummaryRecord summary(const std::string& unit, const std::string& metric, double value) {
  return {unit, metric, 40, 0, value, {}, {}, {}};
}

store::SummaryRecord compared(const std::string& unit,
                              const std::string& metric,
                              double value,
                              double difference,
                              double p_adjusted = 1) {
  store::SummaryRecord row = summary(unit, metric, value);
  row.comparison = store::ComparisonRecord{
      difference, difference - 0.01, difference + 0.01, p_adjusted, p_adjusted, 40, {}, {}};
  return row;
}

class PaperAnswers : public ::testing::Test {
 protected:
  Data read(const store::Plan& plan, const std::vector<store::SummaryRecord>& summaries) {
    store_.replace_plan(plan);
    store_.replace_summaries(summaries);
    return gather(store_);
  }
  Data read_squad() {
    return read(answer_plan(),
                {summary("v0/s0", "f1", 0.4),
                 summary("v0/s1", "f1", 0.8),
                 summary("v0/s1", "exact_match", 0.5),
                 summary("v0/s1", "attention_p1", 0.75),
                 summary("v0/s1", "attention_rank", 1.5),
                 summary("v0/s1", "drift_mean", 0.25),
                 compared("v1/s0", "f1", 0.3, -0.1, 0.001),
                 compared("v1/s1", "f1", 0.75, -0.05),
                 compared("v1/s1", "attention_rank", 2.5, 1.0),
                 compared("v1/s1", "drift_mean", 0.5, 0.25)});
  }

  nibble::testing::TempFolder folder_;
  store::Store store_ = advice_store(folder_ / "s.db");
};

TEST_F(PaperAnswers, ReadingIsOfTheFirstTaskOfTheSet) {
  const Data data = read_squad();
  const Table table = paper_comprehension(data, method_rows(data), 17);
  ASSERT_EQ(table.columns.size(), 7U);
  EXPECT_EQ(table.columns[1].title, "SQuAD (F1)");
  EXPECT_THAT(table.caption, HasSubstr("SQuAD (F1): squad@2048"));
  EXPECT_EQ(table.rows[0][1].text, "40.0");
  EXPECT_EQ(table.rows[1][1].text, "30.0 (\u221210.0 [\u221211.0, \u22129.0]*)");
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
                         {summary("v0/e0", "f1", 0.9),
                          summary("v0/e1", "exact_match", 0.2),
                          summary("v0/e2", "em", 0.1),
                          summary("v0/e2", "f1", 0.3)});
  const Table table = paper_comprehension(data, method_rows(data), 17);
  EXPECT_EQ(table.rows[0][1].text, "not run yet") << "the [[rag]] task comes first";
  EXPECT_EQ(table.columns[3].title, "TriviaQA (EM)");
  EXPECT_EQ(table.rows[0][3].text, "20.0");
  EXPECT_EQ(table.columns[4].title, "DROP (F1)");
  EXPECT_EQ(table.rows[0][4].text, "30.0");
  EXPECT_EQ(table.rows[0][6].text, "25.0 of 2");
}

TEST_F(PaperAnswers, AttentionIsOfTheTaskThatMeasuresIt) {
  const Data data = read_squad();
  const Table table = paper_attention(data, method_rows(data), 19);
  ASSERT_EQ(table.columns.size(), 8U);
  EXPECT_THAT(table.caption, HasSubstr("Of squad@512 (40 questions)"));
  EXPECT_EQ(table.rows[0][1].text, "75.0");
  EXPECT_EQ(table.rows[1][1].text, "not run yet");
  EXPECT_EQ(table.rows[1][2].text, "2.50 (+1.00 [+0.990, +1.01])");
  EXPECT_EQ(table.rows[0][6].text, "50.0");
  EXPECT_EQ(table.rows[0][7].text, "80.0") << "F1 of the same task";
}

TEST_F(PaperAnswers, LengthsAscendAndTheLossIsRelative) {
  const Data data = read_squad();
  const Table table = paper_lengths(data, method_rows(data), 23);
  ASSERT_EQ(table.columns.size(), 6U);
  EXPECT_EQ(table.columns[1].title, "512 tok");
  EXPECT_EQ(table.columns[5].title, "Degradation 512 to 2048");
  EXPECT_EQ(table.rows[0][1].text, "80.0");
  EXPECT_EQ(table.rows[0][2].text, "not part of the study");
  EXPECT_EQ(table.rows[0][3].text, "40.0");
  EXPECT_EQ(table.rows[0][5].text, "50.0 %");
  EXPECT_EQ(table.rows[1][5].text, "60.0 %");
  EXPECT_EQ(table.rows[4][5].text, "not run yet");
}

TEST_F(PaperAnswers, LengthsOfOtherQuestionsOrPositionsAreNotMixed) {
  store::Plan plan = answer_plan();
  plan.tasks[1].context->gold_slot = 3;
  const Data data = read(plan, {summary("v0/s0", "f1", 0.4), summary("v0/s1", "f1", 0.8)});
  const Table table = paper_lengths(data, method_rows(data), 23);
  EXPECT_EQ(table.rows[0][1].text, "not part of the study");
  EXPECT_EQ(table.rows[0][3].text, "40.0");
  EXPECT_EQ(table.rows[0][5].text, "one length, two wanted");
}

TEST_F(PaperAnswers, DriftWithItsDifference) {
  const Data data = read_squad();
  const Table table = paper_drift(data, method_rows(data), 25);
  EXPECT_EQ(table.rows[0][1].text, "0.250");
  EXPECT_EQ(table.rows[1][1].text, "0.500 (+0.250 [+0.240, +0.260])");
  EXPECT_EQ(table.rows[2][1].text, "not run yet");
}

TEST_F(PaperAnswers, AStudyWithoutSuchTasksSaysSo) {
  const Data data = gather(paper_store(folder_ / "p.db"));
  const PaperRows rows = method_rows(data);
  for (const Table& table : {paper_comprehension(data, rows, 17),
                             paper_attention(data, rows, 19),
                             paper_lengths(data, rows, 23),
                             paper_drift(data, rows, 25)}) {
    EXPECT_EQ(table.rows[0][1].text, "not part of the study") << table.id;
    EXPECT_THAT(table.caption, HasSubstr("o task of this study")) << table.id;
  }
}

}  // namespace
}  // namespace nibble::report
