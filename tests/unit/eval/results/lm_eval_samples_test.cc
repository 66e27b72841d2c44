#include "eval/results/lm_eval_samples.h"

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
    const LmEvalSample ours = lm_eval_sample(task->info(), sample, result.responses, result.scores);
    // Compared as ordered JSON: the same fields in the same order with the same values.
    EXPECT_EQ(OrderedJson::parse(ours.line), golden.samples[i]) << i;
    hashes += ours.hashes;
  }
  EXPECT_EQ(sha256_hex(hashes), golden.results.at("task_hashes").at("arc_easy"));
}

Sample rolling_sample() {
  Sample sample;
  sample.id = "page";
  sample.requests = {RollingRequest{"some text"}};
  return sample;
}

TEST(LmEvalSamples, RatiosAreLoggedAsPairsInLmEvalsSign) {
  const TaskInfo info{.name = "pages",
                      .metrics = {{"word_perplexity", "", Direction::kLower, Transform::kExp}}};
  const LmEvalSample ours = lm_eval_sample(
      info, rolling_sample(), "[[-12,false]]", {{"word_perplexity", Contribution{12, 3}}});
  const auto line = nlohmann::json::parse(ours.line);
  EXPECT_EQ(line.at("word_perplexity"), nlohmann::json::parse("[-12.0, 3.0]"));
  EXPECT_EQ(line.at("resps"), nlohmann::json::parse(R"([["-12.0"]])"));
  EXPECT_EQ(line.at("arguments").at("gen_args_0").at("arg_0"), "some text");
  EXPECT_EQ(line.at("doc").at("id"), "page");
}

TEST(LmEvalSamples, WhatWasNotAnsweredIsNull) {
  const TaskInfo info{.name = "pages", .metrics = {{"acc", "fraction"}}};
  Sample sample = rolling_sample();
  sample.requests = {LoglikelihoodRequest{"a", " b"}};
  const auto line = nlohmann::json::parse(
      lm_eval_sample(info, sample, "[[null,false]]", {{"acc", std::nullopt}}).line);
  EXPECT_TRUE(line.at("acc").is_null());
  EXPECT_EQ(line.at("filtered_resps"), nlohmann::json::parse(R"([["nan", "False"]])"));
}

TEST(LmEvalSamples, ResponsesThatDoNotFitAreRefused) {
  const TaskInfo info{.name = "pages"};
  for (const char* responses : {"", "[]", "[[-1,false],[-2,false]]", "[7]", "{}", "[[]]"}) {
    try {
      (void)lm_eval_sample(info, rolling_sample(), responses, {});
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
  const auto line =
      nlohmann::json::parse(lm_eval_sample(TaskInfo{.name = "t"}, sample, R"(["four"])", {}).line);
  EXPECT_EQ(line.at("arguments").at("gen_args_0").at("arg_1"),
            nlohmann::json::parse(R"({"until": ["\n", "Q:"], "do_sample": false,
                                      "temperature": 0.0, "max_gen_toks": 24})"));
  EXPECT_EQ(line.at("resps"), nlohmann::json::parse(R"([["four"]])"));
  EXPECT_EQ(line.at("filtered_resps"), nlohmann::json::parse(R"(["four"])"));
}

}  // namespace
}  // namespace nibble::eval
