#include "app/eval_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/tasks/choice.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

eval::ChoiceTask two_questions() {
  return {eval::TaskInfo{.name = "two"}, {{"a", "x", {"y", "z"}, 0}, {"b", "x", {"y", "z"}, 1}}};
}

study::TaskOutcome outcome_of(const eval::Task& task) {
  study::TaskOutcome outcome{&task, "unit", {}, 2, {}, {}, false};
  std::vector<eval::SampleScores> scores(2);
  scores[0]["acc"] = eval::Contribution{1, 1};
  scores[1]["acc"] = eval::Contribution{0, 1};
  scores[0]["acc_norm"] = scores[1]["acc_norm"] = std::nullopt;  // unanswered
  outcome.metrics = eval::summarize(task.info(), scores);
  return outcome;
}

TEST(EvalOutput, TableShowsTheStandardErrorThatLmEvalGives) {
  const eval::ChoiceTask task = two_questions();
  const study::TaskOutcome outcome = outcome_of(task);
  const std::string table = eval_table(std::span(&outcome, 1));
  // The standard deviation of {1, 0} is 0.7071, over the square root of 2.
  EXPECT_THAT(table, HasSubstr("acc                          2           0     0.5000   0.5000"));
  EXPECT_THAT(table, HasSubstr("acc_norm                     0           2          –"));
  EXPECT_THAT(table, Not(HasSubstr("flagged")));
}

TEST(EvalOutput, EveryReasonToDoubtHasALine) {
  const eval::ChoiceTask task = two_questions();
  study::TaskOutcome outcome = outcome_of(task);
  outcome.cut = {1, 2};
  outcome.doubts = {{{"double BOS", 2}}, 0.5};
  outcome.is_at_chance = true;
  const std::string table = eval_table(std::span(&outcome, 1));
  EXPECT_THAT(table, HasSubstr("two: 1 of 2 samples lost their beginning"));
  EXPECT_THAT(table, HasSubstr("two: 2 of 2 samples have an answer that was ended"));
  EXPECT_THAT(table, HasSubstr("two: 2 of 2 samples are flagged 'double BOS'"));
  EXPECT_THAT(table, HasSubstr("two: the score cannot be told from guessing (0.5000)"));
}

}  // namespace
}  // namespace nibble::app
