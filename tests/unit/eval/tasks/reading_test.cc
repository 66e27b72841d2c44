#include "eval/tasks/reading.h"

#include <gtest/gtest.h>

namespace nibble::eval {
namespace {

TEST(ReadingTask, AsksForOneLine) {
  const ReadingTask task(TaskInfo{.name = "t"}, {{"q1", "Who?", {"Ann", "Ann B."}}}, 20);
  const Sample sample = task.sample(0);
  const auto& request = std::get<GenerationRequest>(sample.requests.at(0));
  EXPECT_EQ(request.prompt, "Who?");
  EXPECT_EQ(request.max_tokens, 20U);
  EXPECT_EQ(request.stop, std::vector<std::string>{"\n"});
  EXPECT_EQ(sample.target, "Ann");
  EXPECT_EQ(task.info().metrics.front().name, "f1");
}

TEST(ReadingTask, ScoresAgainstTheSamplesOwnAnswers) {
  const ReadingTask task(
      TaskInfo{.name = "t"}, {{"q1", "Who?", {"Ann"}}, {"q2", "Who?", {"Bob", "Robert"}}}, 20);
  const std::vector<Response> responses = {GenerationResponse{.text = " It was robert. "}};
  const SampleResult result = task.score(task.sample(1), responses);
  EXPECT_DOUBLE_EQ(result.scores.at("f1")->sum, 0.5);
  EXPECT_EQ(result.scores.at("exact_match")->sum, 0.0);
  EXPECT_EQ(result.scores.at("contains")->sum, 1.0);
  EXPECT_EQ(result.answer, "It was robert.");
  EXPECT_EQ(task.score(task.sample(0), responses).scores.at("contains")->sum, 0.0);
}

}  // namespace
}  // namespace nibble::eval
