#include "eval/results/lm_eval_samples.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "unit/eval/results/lm_eval_golden.h"

namespace nibble::eval {
namespace {

using ::testing::HasSubstr;

TEST(LmEvalSamples, EveryFieldIsThatOfLmEvalGivenItsAnswers) {
  const LmEvalGolden golden = read_lm_eval_golden();
  const testing::TempFolder folder;
  const auto task = golden_task(golden, folder);
  ASSERT_EQ(golden.samples.size(), 12U);
  std::string hashes;
  for (std::size_t i = 0; i < golden.samples.size(); ++i) {
    const Sample sample = task->sample(i);
    const SampleResult result = score_sample(*task, sample, golden_responses(golden.samples[i]));
    const LmEvalSample ours = lm_eval_sample(*task, sample, result.responses, result.scores);
    // Compared as ordered JSON: the same fields in the same order with the same values.
    EXPECT_EQ(OrderedJson::parse(ours.line), golden.samples[i]) << i;
    hashes += ours.hashes;
  }
  EXPECT_EQ(sha256_hex(hashes), golden.results.at("task_hashes").at("arc_easy"));
}

/// A task that is its description, and marks what a filter leaves.
class DescribedTask final : public Task {
 public:
  explicit DescribedTask(TaskInfo info) : info_(std::move(info)) {}
  [[nodiscard]] const TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return 1; }
  [[nodiscard]] Sample sample(std::size_t /*index*/) const override { return {}; }
  [[nodiscard]] SampleResult score(const Sample& /*sample*/,
                                   std::span<const Response> /*responses*/) const override {
    return {};
  }
  [[nodiscard]] std::string filtered(std::size_t filter,
                                     const Sample& /*sample*/,
                                     std::string text) const override {
    return info_.filters.empty() ? text : fmt::format("{}: {}", info_.filters.at(filter), text);
  }

 private:
  TaskInfo info_;
};

Sample rolling_sample() {
  Sample sample;
  sample.id = "page";
  sample.requests = {RollingRequest{"some text"}};
  return sample;
}

TEST(LmEvalSamples, RatiosAreLoggedAsPairsInLmEvalsSign) {
  const DescribedTask task(
      {.name = "pages", .metrics = {{"word_perplexity", "", Direction::kLower, Transform::kExp}}});
  const LmEvalSample ours = lm_eval_sample(
      task, rolling_sample(), "[[-12,false]]", {{"word_perplexity", Contribution{12, 3}}});
  const auto line = nlohmann::json::parse(ours.line);
  EXPECT_EQ(line.at("word_perplexity"), nlohmann::json::parse("[-12.0, 3.0]"));
  EXPECT_EQ(line.at("resps"), nlohmann::json::parse(R"([["-12.0"]])"));
  EXPECT_EQ(line.at("arguments").at("gen_args_0").at("arg_0"), "some text");
  EXPECT_EQ(line.at("doc").at("id"), "page");
}

TEST(LmEvalSamples, PerplexityOfATargetIsItsLogLikelihood) {
  const DescribedTask task(
      {.name = "targets", .metrics = {{"perplexity", "", Direction::kLower, Transform::kExp}}});
  Sample sample = rolling_sample();
  sample.requests = {LoglikelihoodRequest{"a", " b"}};
  const auto line = nlohmann::json::parse(
      lm_eval_sample(task, sample, "[[-2.5,true]]", {{"perplexity", Contribution{2.5}}}).line);
  EXPECT_EQ(line.at("perplexity"), -2.5);
}

TEST(LmEvalSamples, WhatWasNotAnsweredIsNull) {
  const DescribedTask task({.name = "pages", .metrics = {{"acc", "fraction"}}});
  Sample sample = rolling_sample();
  sample.requests = {LoglikelihoodRequest{"a", " b"}};
  const auto line = nlohmann::json::parse(
      lm_eval_sample(task, sample, "[[null,false]]", {{"acc", std::nullopt}}).line);
  EXPECT_TRUE(line.at("acc").is_null());
  EXPECT_EQ(line.at("filtered_resps"), nlohmann::json::parse(R"([["nan", "False"]])"));
}

TEST(LmEvalSamples, ResponsesThatDoNotFitAreRefused) {
  const DescribedTask task({.name = "pages"});
  for (const char* responses : {"", "[]", "[[-1,false],[-2,false]]", "[7]", "{}", "[[]]"}) {
    try {
      (void)lm_eval_sample(task, rolling_sample(), responses, {});
      ADD_FAILURE() << responses;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      EXPECT_THAT(error.what(), HasSubstr("sample page"));
    }
  }
}

TEST(LmEvalSamples, GenerationCarriesItsSettings) {
  Sample sample = rolling_sample();
  sample.requests = {GenerationRequest{"Q:", 24, {"\n", "Q:"}}};
  const DescribedTask task({.name = "t"});
  const auto line = nlohmann::json::parse(lm_eval_sample(task, sample, R"(["four"])", {}).line);
  EXPECT_EQ(line.at("arguments").at("gen_args_0").at("arg_1"),
            nlohmann::json::parse(R"({"until": ["\n", "Q:"], "do_sample": false,
                                      "temperature": 0.0, "max_gen_toks": 24})"));
  EXPECT_EQ(line.at("resps"), nlohmann::json::parse(R"([["four"]])"));
  sample.requests = {GenerationRequest{"Q:", 256, {"\n"}}};  // the default is not told
  const auto other = nlohmann::json::parse(lm_eval_sample(task, sample, R"(["four"])", {}).line);
  EXPECT_FALSE(other.at("arguments").at("gen_args_0").at("arg_1").contains("max_gen_toks"));
  EXPECT_EQ(line.at("filtered_resps"), nlohmann::json::parse(R"(["four"])"));
}

TEST(LmEvalSamples, EachFilterHasALineOfItsOwn) {
  const DescribedTask task(
      {.name = "t",
       .metrics = {{"exact_match,strict", "fraction"}, {"exact_match,flexible", "fraction"}},
       .filters = {"strict", "flexible"}});
  Sample sample = rolling_sample();
  sample.requests = {GenerationRequest{"Q:", 24, {}}};
  const SampleScores scores = {{"exact_match,strict", Contribution{0}},
                               {"exact_match,flexible", Contribution{1}}};
  ASSERT_EQ(n_filters(task.info()), 2U);
  const auto strict =
      nlohmann::json::parse(lm_eval_sample(task, sample, R"(["4"])", scores, 0).line);
  EXPECT_EQ(strict.at("filter"), "strict");
  EXPECT_EQ(strict.at("metrics"), nlohmann::json::parse(R"(["exact_match"])"));
  EXPECT_EQ(strict.at("exact_match"), 0.0);
  EXPECT_EQ(strict.at("filtered_resps"), nlohmann::json::parse(R"(["strict: 4"])"));
  const auto flexible =
      nlohmann::json::parse(lm_eval_sample(task, sample, R"(["4"])", scores, 1).line);
  EXPECT_EQ(flexible.at("exact_match"), 1.0);
  EXPECT_EQ(flexible.at("resps"), nlohmann::json::parse(R"([["4"]])"));
  EXPECT_EQ(flexible.at("filtered_resps"), nlohmann::json::parse(R"(["flexible: 4"])"));
}

TEST(LmEvalSamples, RepeatsAreOneListBehindOneQuestion) {
  const DescribedTask task({.name = "t",
                            .metrics = {{"pass@1", "fraction"}},
                            .filters = {"program"},
                            .n_repeats = 2,
                            .keeps_repeats = true});
  Sample sample = rolling_sample();
  sample.index = 7;
  const GenerationRequest drawn{"def", 9, {"\n"}, {.temperature = 0.5, .top_p = 0.9, .seed = 1}};
  sample.requests = {drawn, drawn};
  const auto line = nlohmann::json::parse(
      lm_eval_sample(task, sample, R"(["a","b"])", {{"pass@1", Contribution{0.5}}}, 0, 5).line);
  EXPECT_EQ(line.at("doc_id"), 2);
  EXPECT_EQ(line.at("resps"), nlohmann::json::parse(R"([["a", "b"]])"));
  EXPECT_EQ(line.at("filtered_resps"), nlohmann::json::parse(R"([["program: a", "program: b"]])"));
  EXPECT_EQ(line.at("arguments"), nlohmann::json::parse(R"({"gen_args_0": {"arg_0": "def",
      "arg_1": {"until": ["\n"], "do_sample": true, "temperature": 0.5, "top_p": 0.9,
                "max_gen_toks": 9}}})"));
  EXPECT_EQ(line.at("pass@1"), 0.5);
}

}  // namespace
}  // namespace nibble::eval
