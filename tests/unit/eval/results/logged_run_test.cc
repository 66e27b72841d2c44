#include "eval/results/logged_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "unit/eval/results/logged_files.h"

namespace nibble::eval {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;

TEST(LoggedRun, ReadsWhatLmEvalWrote) {
  const TempFolder folder;
  const auto golden = testing::source_path("tests/golden/eval/lm_eval");
  write_logged_run(folder / "model",
                   "arc_easy",
                   testing::read_file(golden / "samples_arc_easy.jsonl"),
                   testing::read_file(golden / "results.json"));
  const LoggedRun run = read_logged_run(folder.path());  // one folder down
  ASSERT_EQ(run.tasks.size(), 1U);
  const LoggedTask& task = run.tasks[0];
  EXPECT_EQ(task.name, "arc_easy");
  ASSERT_EQ(task.metrics.size(), 2U);
  EXPECT_EQ(task.metrics[0].name, "acc");
  EXPECT_EQ(task.samples.size(), 12U);
  double sum = 0;
  for (const auto& [id, sample] : task.samples) {
    sum += sample.scores.at("acc")->sum;
  }
  EXPECT_NEAR(
      sum / 12, run.results->at("results").at("arc_easy").at("acc,none").get<double>(), 1e-15);
}

TEST(LoggedRun, FiltersArePartOfTheMetricsName) {
  const TempFolder folder;
  std::string line = logged_line(0, "exact_match", "1.0");
  line.replace(line.find("none"), 4, "strict-match");
  write_logged_run(folder.path(), "gsm8k", logged_line(0, "exact_match", "0.0") + line);
  const LoggedRun run = read_logged_run(folder.path());
  ASSERT_EQ(run.tasks.at(0).samples.size(), 1U);
  EXPECT_EQ(run.tasks[0].samples.at(0).scores.at("exact_match")->sum, 0.0);
  EXPECT_EQ(run.tasks[0].samples.at(0).scores.at("exact_match,strict-match")->sum, 1.0);
}

TEST(LoggedRun, PerplexitiesAreRatiosOfLosses) {
  const TempFolder folder;
  write_logged_run(folder.path(), "wikitext", logged_line(0, "word_perplexity", "[-12.0, 4]"));
  const LoggedRun run = read_logged_run(folder.path());
  const MetricRow& metric = run.tasks.at(0).metrics.at(0);
  EXPECT_EQ(metric.transform, Transform::kExp);
  EXPECT_EQ(metric.better, Direction::kLower);
  EXPECT_EQ(run.tasks[0].samples.at(0).scores.at("word_perplexity")->sum, 12.0);
  EXPECT_EQ(run.tasks[0].samples.at(0).scores.at("word_perplexity")->weight, 4.0);
}

TEST(LoggedRun, WhatIsNullWasNotAnswered) {
  const TempFolder folder;
  write_logged_run(folder.path(), "t", logged_line(0, "acc", "null"));
  EXPECT_FALSE(read_logged_run(folder.path()).tasks.at(0).samples.at(0).scores.at("acc"));
}

TEST(LoggedRun, BadLinesAreRefusedWithTheirPlace) {
  for (const char* line : {"[]\n",
                           "{\n",
                           "{\"doc_id\": -1, \"metrics\": []}\n",
                           "{\"doc_id\": 0, \"metrics\": [\"acc\"], \"doc_hash\": \"d\", "
                           "\"prompt_hash\": \"p\", \"filter\": \"none\"}\n",
                           "{\"doc_id\": 0, \"metrics\": [], \"prompt_hash\": \"p\"}\n"}) {
    const TempFolder folder;
    write_logged_run(folder.path(), "t", logged_line(0, "acc", "1") + line);
    try {
      (void)read_logged_run(folder.path());
      ADD_FAILURE() << line;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      EXPECT_THAT(error.what(), HasSubstr("samples_t_2026-01-01T00-00-00.jsonl:2"));
    }
  }
  for (const char* value : {"\"1\"", "[1, 0]", "[1]", "{}"}) {
    const TempFolder folder;
    write_logged_run(folder.path(), "t", logged_line(0, "acc", value));
    EXPECT_THROW((void)read_logged_run(folder.path()), Error) << value;
  }
}

TEST(LoggedRun, TheNewestResultsOfOneModelAreTaken) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "m");
  testing::write_file(folder.path() / "m" / "results_2026-01-01T00-00-00.json", "{}");
  testing::write_file(folder.path() / "m" / "results_2026-02-01T00-00-00.json", "{}");
  EXPECT_EQ(find_results_file(folder.path()).filename(), "results_2026-02-01T00-00-00.json");
  std::filesystem::create_directories(folder / "n");
  testing::write_file(folder.path() / "n" / "results_2026-01-01T00-00-00.json", "{}");
  EXPECT_THROW((void)find_results_file(folder.path()), Error);
  EXPECT_THROW((void)find_results_file(folder / "nowhere"), Error);
}

TEST(LoggedRun, AGroupHasTheDocumentsOfItsTasks) {
  const TempFolder folder;
  write_logged_run(
      folder.path(),
      "law",
      logged_line(0, "acc", "1"),
      R"({"group_subtasks": {"all": ["soft", "law"], "soft": ["art"], "loop": ["loop"]}})");
  testing::write_file(folder.path() / "samples_art_2026-01-01T00-00-00.jsonl",
                      logged_line(0, "acc", "0") + logged_line(1, "acc", "1"));
  testing::write_file(folder.path() / "samples_alone_2026-01-01T00-00-00.jsonl",
                      logged_line(0, "acc", "1"));
  const LoggedRun run = read_logged_run(folder.path());
  std::map<std::string, std::pair<std::size_t, bool>> found;
  for (const LoggedTask& task : run.tasks) {
    found[task.name] = {task.samples.size(), task.is_part};
  }
  const std::map<std::string, std::pair<std::size_t, bool>> wanted = {{"all", {3, false}},
                                                                      {"soft", {2, true}},
                                                                      {"art", {2, true}},
                                                                      {"law", {1, true}},
                                                                      {"alone", {1, false}}};
  EXPECT_EQ(found, wanted);
  EXPECT_EQ(run.tasks.front().metrics.size(), 1U);
}

}  // namespace
}  // namespace nibble::eval
