#include "study/lm_eval_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/study/judged_tiny.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

TEST(LmEvalFiles, AreMadeFromTheStore) {
  JudgedTiny tiny;
  store::Store store = tiny.store();
  run_task(store, tiny.unit(), *tiny.engine, *tiny.tasks[0], silent_progress());
  const auto outcome = task_outcome(store, tiny.unit(), *tiny.tasks[0]);
  const testing::TempFolder folder;
  const fs::path path = write_lm_eval_files(
      folder.path(), {.model = "tiny", .started = 1795935230.5}, store, std::span(&outcome, 1));
  EXPECT_THAT(path.filename().string(), ::testing::MatchesRegex("results_2026-.*\\.json"));
  const auto results = nlohmann::json::parse(testing::read_file(path));
  EXPECT_EQ(results.at("results").at("five").at("acc,none"),
            outcome.metrics.front().interval.value);
  std::size_t n_lines = 0;
  std::istringstream lines(testing::read_file(
      folder.path() / fmt::format("samples_five_{}.jsonl", eval::lm_eval_time(1795935230.5))));
  for (std::string line; std::getline(lines, line); ++n_lines) {
    const auto sample = nlohmann::json::parse(line);
    EXPECT_EQ(sample.at("doc_id"), n_lines);
    EXPECT_EQ(sample.at("doc").at("number"), n_lines);
    EXPECT_EQ(sample.at("resps").size(), 2U);
  }
  EXPECT_EQ(n_lines, 5U);
}

TEST(LmEvalFiles, NamesOfOwnTasksHaveNoSlash) {
  JudgedTiny tiny;
  tiny.tasks[0] =
      std::make_unique<eval::ChoiceTask>(eval::TaskInfo{.name = "choice:my/own.jsonl"},
                                         std::vector<eval::ChoiceItem>{{"q", "a", {"b", "c"}, 0}});
  tiny.plan = task_plan(tiny.identity, tiny.tasks);
  store::Store store = tiny.store();
  run_task(store, tiny.unit(), *tiny.engine, *tiny.tasks[0], silent_progress());
  const auto outcome = task_outcome(store, tiny.unit(), *tiny.tasks[0]);
  const testing::TempFolder folder;
  write_lm_eval_files(folder.path(), {.model = "tiny"}, store, std::span(&outcome, 1));
  std::size_t n_samples_files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    n_samples_files += entry.path().filename().string().starts_with("samples_choice_my_own.jsonl_");
  }
  EXPECT_EQ(n_samples_files, 1U);
}

}  // namespace
}  // namespace nibble::study
