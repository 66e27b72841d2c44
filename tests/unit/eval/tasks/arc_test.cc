#include <gtest/gtest.h>

#include "support/files.h"
#include "unit/eval/tasks/golden_requests.h"

namespace nibble::eval {
namespace {

using nibble::testing::data_folder;
using nibble::testing::golden;
using nibble::testing::TempFolder;
using nibble::testing::write_file;

constexpr auto kRow =
    R"({"id": "q1", "question": "Why?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"})";

TEST(Arc, ReadsNumberedLabels) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "arc_easy");
  write_file(folder / "arc_easy/test.jsonl", kRow);
  const auto task = make_task("arc_easy", {.data = folder.path()}).take();
  const Sample sample = task->sample(0);
  EXPECT_EQ(sample.id, "q1");
  EXPECT_EQ(sample.prompt, "Question: Why?\nAnswer:");
  EXPECT_EQ(sample.target, "y");
  EXPECT_EQ(task->info().data_hash.size(), 64U);
}

TEST(Arc, RefusesAKeyThatIsNoLabel) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "arc_easy");
  std::string row = kRow;
  row.replace(row.rfind("\"2\""), 3, "\"C\"");
  write_file(folder / "arc_easy/test.jsonl", row);
  const auto task = make_task("arc_easy", {.data = folder.path()});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.failure().code, ErrorCode::kCorruptData);
  EXPECT_EQ(task.failure().message,
            "task arc_easy: " + (folder / "arc_easy/test.jsonl").string() +
                ":1: answerKey 'C' is none of the 2 labels of 2 choices");
}

TEST(Arc, RequestsOfArcEasy) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(lines, golden("eval/arc_easy_0shot.jsonl"));
  expect_golden_requests("arc_easy", data, lines);
}

TEST(Arc, RequestsOfArcChallenge) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(lines, golden("eval/arc_challenge_0shot.jsonl"));
  expect_golden_requests("arc_challenge", data, lines);
}

TEST(Arc, RequestsWithFiveExamples) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(lines, golden("eval/arc_easy_5shot.jsonl"));
  expect_golden_requests("arc_easy_5shot", data, lines);
}

TEST(Arc, RequestsWithTwentyFiveExamples) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(lines, golden("eval/arc_challenge_25shot.jsonl"));
  expect_golden_requests("arc_challenge_25shot", data, lines);
}

}  // namespace
}  // namespace nibble::eval
