#include "eval/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "eval/tasks/choice.h"
#include "eval/tasks/reading.h"
#include "unit/eval/fake_model.h"

namespace nibble::eval {
namespace {

TEST(RunSamples, ScoresEachSampleWithItsOwnResponses) {
  model::LoadedModel loaded;
  loaded.model = std::make_unique<FakeModel>();
  loaded.tokenizer = std::make_unique<FakeTokenizer>();
  const std::vector<std::string> choices = {"x", "y", "z", "w"};
  std::vector<ChoiceItem> items;
  for (const char* context : {"first", "second", "third"}) {
    // The right choice is the one that the fake model prefers for this context.
    std::vector<double> logprobs;
    for (const std::string& choice : choices) {
      const auto tokens = ids_of(std::string(context) + " ");
      logprobs.push_back(FakeModel::logprob(ids_of(context), ' ') +
                         FakeModel::logprob(tokens, choice[0]));
    }
    const auto best = std::ranges::max_element(logprobs) - logprobs.begin();
    items.push_back({context, context, choices, static_cast<std::size_t>(best)});
  }
  const ChoiceTask task(TaskInfo{.name = "t"}, items);
  Engine engine(loaded, {});
  std::vector<std::size_t> seen;
  const std::vector<std::size_t> wanted = {2, 0};
  run_samples(engine, task, wanted, [&](const Sample& sample, const SampleResult& result) {
    seen.push_back(sample.index);
    EXPECT_EQ(result.scores.at("acc")->sum, 1.0) << sample.id;
  });
  EXPECT_THAT(seen, ::testing::UnorderedElementsAre(0U, 2U));
}

TEST(ScoreSample, CarriesWhatWasCut) {
  const ChoiceTask choice(TaskInfo{.name = "t"}, {{"q", "context", {"x", "y"}, 0}});
  std::vector<Response> responses = {LoglikelihoodResponse{.logprob = -1},
                                     LoglikelihoodResponse{.logprob = -2}};
  EXPECT_EQ(score_sample(choice, choice.sample(0), responses).n_cut_tokens, 0U);
  std::get<LoglikelihoodResponse>(responses[1]).n_cut_tokens = 3;
  const SampleResult cut = score_sample(choice, choice.sample(0), responses);
  EXPECT_EQ(cut.n_cut_tokens, 3U);
  EXPECT_FALSE(cut.hit_limit);
  EXPECT_EQ(cut.scores.at("acc")->sum, 1.0);
  const ReadingTask reading(TaskInfo{.name = "t"}, {{"q", "context", {"x"}}}, 8);
  const std::vector<Response> long_answer = {
      GenerationResponse{.text = "x", .hit_limit = true, .n_cut_tokens = 2}};
  const SampleResult ended = score_sample(reading, reading.sample(0), long_answer);
  EXPECT_TRUE(ended.hit_limit);
  EXPECT_EQ(ended.n_cut_tokens, 2U);
}

TEST(Summarize, CountsTheUnanswered) {
  TaskInfo info{.name = "t"};
  info.metrics = {{"acc", "fraction"}, {"other", "fraction"}};
  const std::vector<SampleScores> scores = {
      {{"acc", Contribution{1, 1}}}, {{"acc", Contribution{0, 1}}}, {{"acc", std::nullopt}}};
  const auto rows = summarize(info, scores);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_DOUBLE_EQ(rows[0].interval.value, 0.5);
  EXPECT_EQ(rows[0].interval.n, 2U);
  EXPECT_EQ(rows[0].n_unanswered, 1U);
  EXPECT_EQ(rows[1].interval.n, 0U);
  EXPECT_EQ(rows[1].n_unanswered, 0U);  // no sample counts for it
}

TEST(Summarize, SweepsTheThresholdOfSilence) {
  TaskInfo info{.name = "t"};
  for (const char* name : {"exact", "HasAns_exact", "NoAns_answered", "no_answer_probability"}) {
    info.metrics.push_back({name, "fraction"});
  }
  const std::vector<SampleScores> scores = {
      {{"HasAns_exact", Contribution{1}}, {"no_answer_probability", Contribution{0.1}}},
      {{"NoAns_answered", Contribution{1}}, {"no_answer_probability", Contribution{0.2}}},
      {{"HasAns_exact", Contribution{0}}, {"no_answer_probability", Contribution{0.3}}}};
  const auto rows = summarize(info, scores);
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[4].metric.name, "best_exact");
  EXPECT_DOUBLE_EQ(rows[4].interval.value, 2.0 / 3);  // silent from 0.2 on
  EXPECT_EQ(rows[4].n_unanswered, 0U);
}

}  // namespace
}  // namespace nibble::eval
