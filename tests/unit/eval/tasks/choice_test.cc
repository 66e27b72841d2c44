#include "eval/tasks/choice.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble::eval {
namespace {

ChoiceTask three_choices() {
  return {TaskInfo{.name = "t"}, {{"q1", "Question: x\nAnswer:", {"no", "perhaps", "été"}, 1}}};
}

SampleResult score(const ChoiceTask& task, std::vector<double> logprobs) {
  std::vector<Response> responses;
  for (const double logprob : logprobs) {
    responses.emplace_back(LoglikelihoodResponse{.logprob = logprob});
  }
  return task.score(task.sample(0), responses);
}

TEST(ChoiceTask, AsksForEachChoiceBehindABlank) {
  const ChoiceTask task = three_choices();
  const Sample sample = task.sample(0);
  ASSERT_EQ(sample.requests.size(), 3U);
  const auto& request = std::get<LoglikelihoodRequest>(sample.requests[1]);
  EXPECT_EQ(request.context, "Question: x\nAnswer:");
  EXPECT_EQ(request.continuation, " perhaps");
  EXPECT_EQ(sample.target, "perhaps");
  EXPECT_EQ(task.info().metrics.front().name, "acc");
}

TEST(ChoiceTask, LikeliestChoiceAndLikeliestByLength) {
  // By letters: -3/2, -7/7, -4/3.
  const SampleResult result = score(three_choices(), {-3, -7, -4});
  EXPECT_EQ(result.scores.at("acc")->sum, 0.0);
  EXPECT_EQ(result.scores.at("acc_norm")->sum, 1.0);
  EXPECT_EQ(result.answer, "no");
}

TEST(ChoiceTask, LengthIsInCodePoints) {
  // "été" has 3 code points and 5 bytes: -4/3 loses to -7/7 = -1, by bytes -4/5 would win.
  EXPECT_EQ(score(three_choices(), {-9, -7, -4}).scores.at("acc_norm")->sum, 1.0);
}

TEST(ChoiceTask, TheFirstWinsTies) {
  const ChoiceTask task(TaskInfo{.name = "t"}, {{"q", "c", {"aa", "bb"}, 1}});
  EXPECT_EQ(score(task, {-2, -2}).scores.at("acc")->sum, 0.0);
}

TEST(ChoiceTask, AnEmptyChoiceIsNeverChosenByLength) {
  const ChoiceTask task(TaskInfo{.name = "t"}, {{"q", "c", {"", "bb"}, 1}});
  EXPECT_EQ(score(task, {-1, -9}).scores.at("acc_norm")->sum, 1.0);
}

TEST(ChoiceTask, NotANumberIsUnanswered) {
  const SampleResult result = score(three_choices(), {-3, std::nan(""), -4});
  EXPECT_FALSE(result.scores.at("acc").has_value());
  EXPECT_FALSE(result.scores.at("acc_norm").has_value());
}

}  // namespace
}  // namespace nibble::eval
