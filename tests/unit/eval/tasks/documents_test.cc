#include "eval/tasks/documents.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble::eval {
namespace {

TEST(DocumentTask, AsksForTheWholeText) {
  const DocumentTask task(TaskInfo{.name = "t"}, "perplexity", {{"d", "some text", 2, 9}}, 64);
  const auto request = std::get<RollingRequest>(task.sample(0).requests.at(0));
  EXPECT_EQ(request.text, "some text");
  EXPECT_EQ(request.max_window, 64U);
  EXPECT_EQ(task.info().metrics.front().name, "perplexity");
  EXPECT_EQ(task.info().metrics.size(), 4U);
}

TEST(DocumentTask, DividesByWordsBytesAndTokens) {
  const DocumentTask task(TaskInfo{.name = "t"}, "word_perplexity", {{"d", "text", 2, 8}}, 64);
  const std::vector<Response> response = {LoglikelihoodResponse{.logprob = -4, .n_tokens = 5}};
  const SampleScores scores = task.score(task.sample(0), response).scores;
  EXPECT_EQ(scores.at("word_perplexity")->weight, 2.0);
  EXPECT_EQ(scores.at("byte_perplexity")->weight, 8.0);
  EXPECT_EQ(scores.at("perplexity")->weight, 5.0);
  const std::vector<Contribution> one = {*scores.at("bits_per_byte")};
  EXPECT_DOUBLE_EQ(metric_value(one, Transform::kPerLn2), 4.0 / 8 / std::log(2.0));
}

TEST(DocumentTask, WithoutTokensThereIsNoAnswer) {
  const DocumentTask task(TaskInfo{.name = "t"}, "perplexity", {{"d", "", 1, 0}}, 64);
  const std::vector<Response> response = {LoglikelihoodResponse{.logprob = 0, .n_tokens = 0}};
  for (const auto& [name, score] : task.score(task.sample(0), response).scores) {
    EXPECT_FALSE(score.has_value()) << name;
  }
}

TEST(DocumentTask, ShowsTheBeginningWithoutCuttingACharacter) {
  std::string text(199, 'x');
  text += "é and more";
  const DocumentTask task(TaskInfo{.name = "t"}, "perplexity", {{"d", text, 1, 1}}, 64);
  EXPECT_EQ(task.sample(0).prompt, std::string(199, 'x') + " …");
}

}  // namespace
}  // namespace nibble::eval
