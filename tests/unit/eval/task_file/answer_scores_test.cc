#include "eval/task_file/answer_scores.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::eval {
namespace {

using text::jinja::List;
using text::jinja::Value;

TaskDefinition task_with(std::vector<std::string> metrics, std::vector<NamedFilter> filters = {}) {
  TaskDefinition task;
  task.kind = TaskKind::kGeneration;
  task.metrics = std::move(metrics);
  task.filters = std::move(filters);
  return task;
}

Question question_with(Value target, std::vector<std::string> targets) {
  Question question;
  question.target = std::move(target);
  question.targets = std::move(targets);
  return question;
}

TEST(AnswerScores, OneRowForEachFilterWhereThereAreSeveral) {
  const auto task = task_with({"exact_match"},
                              {{"strict", {RegexFilter("#([0-9])", 0)}, false},
                               {"flexible", {RegexFilter("[0-9]", -1)}, false}});
  const auto rows = answer_metric_rows(task);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "exact_match,strict");
  EXPECT_EQ(rows[1].name, "exact_match,flexible");
  const auto scores = score_answer(task, question_with("2", {"2"}), "#1 2");
  EXPECT_EQ(scores.at("exact_match,strict")->sum, 0);
  EXPECT_EQ(scores.at("exact_match,flexible")->sum, 1);
}

TEST(AnswerScores, OneFilterNeedsNoName) {
  const auto task = task_with({"f1", "contains"}, {{"strip", {}, true}});
  const auto scores = score_answer(task, question_with("x", {"red mill"}), " the red barn ");
  EXPECT_EQ(scores.at("f1")->sum, 0.5);
  EXPECT_EQ(scores.at("contains")->sum, 0);
}

TEST(AnswerScores, DropTakesListsOfSpans) {
  const auto task = task_with({"drop"});
  const auto question = question_with(List{Value(List{"12"}), Value(List{"a", "b"})}, {});
  EXPECT_EQ(score_answer(task, question, "12").at("em")->sum, 1);
  EXPECT_EQ(score_answer(task, question, "b").at("f1")->sum, 0.5);
}

TEST(AnswerScores, SquadSumsQuestionsWithAndWithoutAnswerApart) {
  const auto task = task_with({"squadv2"});
  const auto with = score_answer(task, question_with(List{"x"}, {"x"}), "x");
  EXPECT_EQ(with.at("exact")->sum, 1);
  EXPECT_EQ(with.at("HasAns_exact")->weight, 1);
  EXPECT_FALSE(with.contains("NoAns_exact"));  // it does not count for it
  const auto without = score_answer(task, question_with(List{}, {}), "");
  EXPECT_EQ(without.at("exact")->sum, 1);
  EXPECT_EQ(without.at("NoAns_f1")->sum, 1);
  EXPECT_FALSE(without.contains("HasAns_f1"));
  const auto none = score_answer(task, question_with(List{"x"}, {"x"}), std::nullopt);
  EXPECT_FALSE(none.at("HasAns_exact"));  // not answered
  EXPECT_FALSE(none.contains("NoAns_exact"));
}

TEST(AnswerScores, NoAnswerHasNoScore) {
  for (const auto& [name, score] :
       score_answer(task_with({"drop", "exact_match"}), question_with(List{}, {}), std::nullopt)) {
    EXPECT_FALSE(score) << name;
  }
}

TEST(AnswerScores, TargetsAreCheckedBeforeAnythingIsAsked) {
  EXPECT_THROW(check_target(task_with({"drop"}), question_with("x", {"x"}), "f"), Error);
  EXPECT_THROW(check_target(task_with({"drop"}), question_with(List{"x"}, {"x"}), "f"), Error);
  EXPECT_THROW(check_target(task_with({"squadv2"}), question_with("x", {"x"}), "f"), Error);
  EXPECT_NO_THROW(check_target(task_with({"f1"}), question_with("x", {"x"}), "f"));
}

}  // namespace
}  // namespace nibble::eval
