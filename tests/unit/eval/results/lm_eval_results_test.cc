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
        lm_eval_sample(*judged.task, sample, result.responses, result.scores).hashes;
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

/// Two subjects of 2 and 8 questions, half and a quarter of them right.
TEST(LmEvalResults, SubjectsAreTasksAndTheirGroupsAreWeighted) {
  const TaskInfo info{.name = "quiz",
                      .version = 2,
                      .group_version = 3,
                      .metrics = {{"acc", "fraction"}},
                      .parts = {{"quiz_art", "art", "quiz_soft", 0, 2, 20},
                                {"quiz_law", "law", "quiz_hard", 2, 8, 80}}};
  const auto summary = [](double value, std::size_t n, double error) {
    return std::vector<MetricSummary>{{{"acc", "fraction"}, {value, 0, 1, n}, 0, error}};
  };
  const LmEvalTask whole{&info, summary(0.3, 10, 0.15), 10, "", {{"equal options", 1}}};
  LmEvalTask art{&info, summary(0.5, 2, 0.5), 2, "ab"};
  art.part = &info.parts[0];
  LmEvalTask law{&info, summary(0.25, 8, 0.16), 8, "cd"};
  law.part = &info.parts[1];
  const std::vector<LmEvalTask> tasks = {art, law};
  const auto ours =
      nlohmann::json::parse(lm_eval_results({.model = "m"}, tasks, lm_eval_groups(whole)));
  EXPECT_EQ(ours.at("results").at("quiz_art").at("alias"), "art");
  EXPECT_EQ(ours.at("group_subtasks").at("quiz"),
            nlohmann::json::parse(R"(["quiz_soft", "quiz_hard"])"));
  EXPECT_EQ(ours.at("group_subtasks").at("quiz_hard"), nlohmann::json::parse(R"(["quiz_law"])"));
  const auto& all = ours.at("groups").at("quiz");
  EXPECT_NEAR(all.at("acc,none").get<double>(), 0.3, 1e-12);
  // pooled_sample_stderr([0.5, 0.16], [2, 8]) of lm-eval 0.4.13
  EXPECT_NEAR(all.at("acc_stderr,none").get<double>(), 0.15546703830716016, 1e-12);
  EXPECT_EQ(all.at("sample_len"), 10);
  EXPECT_EQ(all.at("sample_count").at("acc,none"), 10);
  EXPECT_EQ(ours.at("results").at("quiz"), all);
  EXPECT_EQ(ours.at("versions").at("quiz_law"), 2);
  EXPECT_EQ(ours.at("versions").at("quiz_hard"), "3");
  EXPECT_EQ(ours.at("groups").at("quiz_hard").at("alias"), "hard");
  EXPECT_EQ(ours.at("groups").at("quiz").at("alias"), "quiz");
  EXPECT_TRUE(ours.at("n-shot").contains("quiz_hard"));
  EXPECT_FALSE(ours.at("n-shot").contains("quiz"));
  EXPECT_FALSE(ours.at("higher_is_better").contains("quiz"));
  EXPECT_EQ(ours.at("n-samples").at("quiz_law").at("original"), 80);
  EXPECT_FALSE(ours.at("n-samples").contains("quiz"));
  EXPECT_EQ(ours.at("nibble").at("tasks").at("quiz").at("flags").at("equal options"), 1);
  EXPECT_FALSE(ours.at("nibble").at("tasks").at("quiz_art").contains("flags"));
}

TEST(LmEvalResults, AMetricBehindSeveralFiltersIsListedOnce) {
  const TaskInfo info{.name = "gsm8k", .filters = {"strict-match", "flexible-extract"}};
  const auto summary = [](const char* name) {
    return MetricSummary{{name, "fraction"}, {0.5, 0, 1, 4}, 0, 0.25};
  };
  const LmEvalTask task{
      &info, {summary("exact_match,strict-match"), summary("exact_match,flexible-extract")}, 4, ""};
  const auto ours = nlohmann::json::parse(lm_eval_results({.model = "m"}, std::span(&task, 1)));
  const auto& config = ours.at("configs").at("gsm8k");
  EXPECT_EQ(config.at("metric_list"),
            nlohmann::json::parse(R"([{"metric": "exact_match", "higher_is_better": true}])"));
  EXPECT_EQ(config.at("filter_list"),
            nlohmann::json::parse(R"([{"name": "strict-match"}, {"name": "flexible-extract"}])"));
  EXPECT_EQ(ours.at("results").at("gsm8k").at("exact_match,strict-match"), 0.5);
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
