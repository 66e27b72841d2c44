/// Every task that lm-evaluation-harness was run for: its requests byte for byte, and the scores
/// that follow from the reference's own answers.
#include "conformance/golden_tasks.h"

#include <gtest/gtest.h>

#include "text/chat_template.h"

namespace nibble::eval {
namespace {

using nibble::testing::data_folder;

class GoldenTask : public ::testing::TestWithParam<std::string> {};

void expect_requests(const Task& task, const std::vector<nlohmann::json>& lines) {
  ASSERT_EQ(task.n_samples(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& expected = lines[i].at("requests");
    const Sample sample = task.sample(i);
    ASSERT_EQ(sample.requests.size(), expected.size()) << "document " << i;
    for (std::size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(as_golden(sample.requests[k]), without_answers(expected[k])) << "document " << i;
    }
  }
}

TEST_P(GoldenTask, AsksByteForByteTheSame) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(file, golden_task_file(GetParam()));
  const auto lines = golden_lines(file);
  expect_requests(*golden_task(GetParam(), data, lines.size()), lines);
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

struct ChatCase {
  std::string_view file;
  std::string_view task;
  std::string_view system;
  bool is_multiturn;
};

/// SmolLM2's template; the reference ran with --apply-chat-template and --system_instruction.
class GoldenChat : public ::testing::TestWithParam<ChatCase> {};

TEST_P(GoldenChat, AsksByteForByteTheSame) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(file, golden_task_file(std::string(GetParam().file)));
  NIBBLE_NEEDS_FILE(source, nibble::testing::golden("eval/chat_smollm2.jinja"));
  const auto chat = text::ChatTemplate::parse(nibble::testing::read_file(source), {}).take();
  const auto lines = golden_lines(file);
  const ChatSettings settings{&chat, std::string(GetParam().system), GetParam().is_multiturn};
  expect_requests(*golden_task(std::string(GetParam().task), data, lines.size(), settings), lines);
}

INSTANTIATE_TEST_SUITE_P(
    Tasks,
    GoldenChat,
    ::testing::Values(
        ChatCase{"chat_arc_easy_2shot", "arc_easy_2shot", "", true},
        ChatCase{"chat_winogrande_2shot", "winogrande_2shot", "Complete the sentence.", true},
        ChatCase{"chat_gsm8k_5shot", "gsm8k_5shot", "Think step by step.", false},
        ChatCase{"chat_piqa_0shot", "piqa_0shot", "", false}),
    [](const auto& one) { return std::string(one.param.file); });

}  // namespace
}  // namespace nibble::eval
