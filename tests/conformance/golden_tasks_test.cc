/// Every task that lm-evaluation-harness was run for: its requests byte for byte, and the scores
/// that follow from the reference's own answers.
#include "conformance/golden_tasks.h"

#include <gtest/gtest.h>

namespace nibble::eval {
namespace {

using nibble::testing::data_folder;

class GoldenTask : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTask, AsksByteForByteTheSame) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(file, golden_task_file(GetParam()));
  const auto lines = golden_lines(file);
  const auto task = golden_task(GetParam(), data, lines.size());
  ASSERT_EQ(task->n_samples(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& expected = lines[i].at("requests");
    const Sample sample = task->sample(i);
    ASSERT_EQ(sample.requests.size(), expected.size()) << "document " << i;
    for (std::size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(as_golden(sample.requests[k]), without_answers(expected[k])) << "document " << i;
    }
  }
}

TEST_P(GoldenTask, ScoresTheReferencesAnswersAsItDoes) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(file, golden_task_file(GetParam()));
  const auto lines = golden_lines(file);
  const auto task = golden_task(GetParam(), data, lines.size());
  std::size_t n_scored = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto responses = golden_responses(lines[i]);
    if (responses.empty()) {
      continue;
    }
    ++n_scored;
    expect_golden_metrics(task->score(task->sample(i), responses).scores, lines[i]);
  }
  if (n_scored == 0) {
    GTEST_SKIP() << "no document has scores";
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks,
                         GoldenTask,
                         ::testing::ValuesIn(golden_task_names()),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace nibble::eval
