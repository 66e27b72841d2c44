#include "eval/results/lm_eval_results.h"

#include <gtest/gtest.h>

#include <limits>

#include "eval/results/lm_eval_samples.h"
#include "unit/eval/results/lm_eval_golden.h"

namespace nibble::eval {
namespace {

struct Judged {
  std::unique_ptr<Task> task;
  LmEvalTask out;
};

Judged judge(const LmEvalGolden& golden, const testing::TempFolder& folder) {
  Judged judged{golden_task(golden, folder), {}};
  std::vector<SampleScores> scores;
  for (std::size_t i = 0; i < golden.samples.size(); ++i) {
    const Sample sample = judged.task->sample(i);
    const SampleResult result =
        score_sample(*judged.task, sample, golden_responses(golden.samples[i]));
    scores.push_back(result.scores);
    judged.out.sample_hashes +=
        lm_eval_sample(judged.task->info(), sample, result.responses, result.scores).hashes;
  }
  judged.out.info = &judged.task->info();
  judged.out.metrics = summarize(judged.task->info(), scores);
  judged.out.n_samples = scores.size();
  return judged;
}

LmEvalRun golden_run() {
  return {.model = "SmolLM2-135M-Instruct",
          .model_hash = "hash",
          .weight_types = "272 x f32",
          .n_parameters = 134515008,
          .max_length = 2048,
          .limit = 12,
          .special_tokens = {{"pad", {"<|im_end|>", 2}},
                             {"eos", {"<|im_end|>", 2}},
                             {"bos", {"<|im_start|>", 1}}},
          .started = 1795935230.5,
          .seconds = 71.5};
}

TEST(LmEvalResults, FieldsAgreeWithLmEvalsOwnFile) {
  const LmEvalGolden golden = read_lm_eval_golden();
  const testing::TempFolder folder;
  const Judged judged = judge(golden, folder);
  const auto ours = OrderedJson::parse(lm_eval_results(golden_run(), std::span(&judged.out, 1)));
  // Every key of theirs is there, in their order; then ours.
  std::vector<std::string> wanted;
  for (const auto& [key, value] : golden.results.items()) {
    wanted.push_back(key);
  }
  wanted.emplace_back("nibble");
  std::vector<std::string> keys;
  for (const auto& [key, value] : ours.items()) {
    keys.push_back(key);
  }
  EXPECT_EQ(keys, wanted);
  for (const char* key : {"group_subtasks",
                          "versions",
                          "n-shot",
                          "higher_is_better",
                          "tokenizer_pad_token",
                          "tokenizer_eos_token",
                          "tokenizer_bos_token",
                          "eot_token_id",
                          "max_length",
                          "lm_eval_version",
                          "task_hashes",
                          "system_instruction",
                          "fewshot_as_multiturn",
                          "chat_template",
                          "chat_template_sha",
                          "model_name",
                          "model_name_sanitized"}) {
    EXPECT_EQ(ours.at(key), golden.results.at(key)) << key;
  }
  for (const char* key : {"model_num_parameters",
                          "limit",
                          "fewshot_seed",
                          "batch_sizes",
                          "use_cache",
                          "gen_kwargs"}) {
    EXPECT_EQ(ours.at("config").at(key), golden.results.at("config").at(key)) << key;
  }
}

TEST(LmEvalResults, ScoresAndStandardErrorsAreThoseOfLmEval) {
  const LmEvalGolden golden = read_lm_eval_golden();
  const testing::TempFolder folder;
  const Judged judged = judge(golden, folder);
  const auto ours = OrderedJson::parse(lm_eval_results(golden_run(), std::span(&judged.out, 1)));
  const auto& theirs = golden.results.at("results").at("arc_easy");
  const auto& row = ours.at("results").at("arc_easy");
  ASSERT_EQ(row.size(), theirs.size());
  for (const auto& [key, value] : theirs.items()) {
    if (value.is_number_float()) {
      EXPECT_NEAR(row.at(key).get<double>(), value.get<double>(), 1e-15) << key;
    } else {
      EXPECT_EQ(row.at(key), value) << key;
    }
  }
  EXPECT_EQ(ours.at("n-samples").at("arc_easy").at("effective"), 12);
  EXPECT_EQ(ours.at("n-samples").at("arc_easy").at("original"), 12);  // of the rows given
}

TEST(LmEvalResults, WhatHasNoNumberIsNullAndNoErrorIsNotAvailable) {
  const TaskInfo info{.name = "pages"};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const LmEvalTask task{
      &info,
      {{{"word_perplexity", "", Direction::kLower, Transform::kExp}, {nan, nan, nan, 0}, 3, nan}},
      3,
      "",
      {{"not finite", 3}}};
  const auto ours = nlohmann::json::parse(lm_eval_results({.model = "m"}, std::span(&task, 1)));
  EXPECT_TRUE(ours.at("results").at("pages").at("word_perplexity,none").is_null());
  EXPECT_EQ(ours.at("results").at("pages").at("word_perplexity_stderr,none"), "N/A");
  const auto& own = ours.at("nibble").at("tasks").at("pages");
  EXPECT_EQ(own.at("metrics").at("word_perplexity").at("unanswered"), 3);
  EXPECT_EQ(own.at("flags").at("not finite"), 3);
  EXPECT_TRUE(ours.at("n-samples").at("pages").at("original").is_null());
}

TEST(LmEvalResults, FolderNamesAreThoseOfLmEval) {
  EXPECT_EQ(lm_eval_model_folder("org/model"), "org__model");
  EXPECT_EQ(lm_eval_model_folder("/a//b?.gguf"), "__a__b__.gguf");
  EXPECT_EQ(lm_eval_model_folder("model.gguf"), "model.gguf");
}

TEST(LmEvalResults, TimesHaveNoColon) {
  const std::string time = lm_eval_time(1795935230.25);
  EXPECT_EQ(time.size(), 26U);
  EXPECT_EQ(time.find(':'), std::string::npos);
  EXPECT_EQ(time.substr(19), ".250000");
}

}  // namespace
}  // namespace nibble::eval
