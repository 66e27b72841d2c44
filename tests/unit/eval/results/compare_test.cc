#include "eval/results/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "eval/stats/power.h"
#include "unit/eval/results/logged_files.h"

namespace nibble::eval {
namespace {

/// Documents 0 … n-1 with the scores of `values`; NaN: not answered.
LoggedTask task_of(const std::string& name, const std::vector<double>& values) {
  LoggedTask task{name, {{"acc", "fraction"}}, {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    LoggedSample& sample = task.samples[i];
    sample.document_hash = fmt::format("d{}", i);
    sample.prompt_hash = std::string("p");
    sample.scores["acc"] =
        std::isnan(values[i]) ? std::nullopt : std::optional(Contribution{values[i], 1});
  }
  return task;
}

LoggedRun run_of(std::vector<LoggedTask> tasks) {
  return {"results.json", nullptr, std::move(tasks)};
}

TEST(CompareRuns, RightOrWrongIsMcNemarsTest) {
  // Ten documents: seven lost, one gained, two the same.
  const LoggedRun a = run_of({task_of("t", {1, 1, 1, 1, 1, 1, 1, 0, 1, 0})});
  const LoggedRun b = run_of({task_of("t", {0, 0, 0, 0, 0, 0, 0, 1, 1, 0})});
  const auto rows = compare_runs(a, b);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].flips->lost, 7U);
  EXPECT_EQ(rows[0].flips->gained, 1U);
  EXPECT_NEAR(rows[0].paired.difference, -0.6, 1e-12);
  EXPECT_NEAR(rows[0].p_value, 2 * (1.0 + 8.0) / 256, 1e-12);  // 2 (C(8,0) + C(8,1)) / 2^8
  EXPECT_EQ(rows[0].p_adjusted, rows[0].p_value);
  EXPECT_EQ(rows[0].n_needed, stats::samples_needed(0.8, -0.6));
  EXPECT_LT(rows[0].paired.high, 0);
}

TEST(CompareRuns, OtherScoresUsePairedResampling) {
  const LoggedRun a = run_of({task_of("t", {0.5, 0.25, 0.75, 0.5, 0.125, 1.0})});
  const LoggedRun b = run_of({task_of("t", {0.25, 0.125, 0.5, 0.25, 0.0, 0.75})});
  const auto rows = compare_runs(a, b);
  EXPECT_FALSE(rows.at(0).flips);
  // All six signs agree: 2 of 64 assignments are as extreme.
  EXPECT_NEAR(rows[0].p_value, 2.0 / 64, 0.01);
  EXPECT_TRUE(rows[0].n_needed);
}

TEST(CompareRuns, DocumentsWithoutAPairAreCountedAndLeftOut) {
  const LoggedRun a = run_of({task_of("t", {1, NAN, NAN, 0, 1})});
  LoggedRun b = run_of({task_of("t", {1, 1, NAN, 0})});
  b.tasks[0].samples.at(3).prompt_hash = std::string("other words");
  const auto rows = compare_runs(a, b);
  EXPECT_EQ(rows.at(0).paired.n, 2U);
  EXPECT_EQ(rows[0].n_unpaired, 2U);  // documents 1 and 4; 2 has no score in either
  EXPECT_EQ(rows[0].n_prompts_differ, 1U);
  EXPECT_FALSE(rows[0].n_needed);  // no difference was seen
}

TEST(CompareRuns, HeadlinesAreCorrectedTogether) {
  const std::vector<double> before = {1, 1, 1, 1, 1, 1, 1, 0, 1, 0};
  const std::vector<double> after = {0, 0, 0, 0, 0, 0, 0, 1, 1, 0};
  const LoggedRun a = run_of({task_of("s", before), task_of("t", before)});
  const LoggedRun b = run_of({task_of("s", after), task_of("t", before)});
  const auto rows = compare_runs(a, b);
  EXPECT_NEAR(rows.at(0).p_adjusted, 2 * rows[0].p_value, 1e-12);
  EXPECT_EQ(rows.at(1).p_adjusted, 1.0);
}

TEST(CompareRuns, OtherDocumentsAreRefused) {
  const LoggedRun a = run_of({task_of("t", {1, 0})});
  LoggedRun b = a;
  b.tasks[0].samples.at(1).document_hash = std::string("another");
  try {
    (void)compare_runs(a, b);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("t: document 1"));
  }
}

TEST(CompareRuns, NothingInCommonIsSaid) {
  EXPECT_THROW((void)compare_runs(run_of({task_of("s", {1})}), run_of({task_of("t", {1})})), Error);
}

}  // namespace
}  // namespace nibble::eval
