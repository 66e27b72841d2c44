#include "eval/tasks/hellaswag.h"

#include <gtest/gtest.h>

#include "support/files.h"
#include "unit/eval/tasks/golden_requests.h"

namespace nibble::eval {
namespace {

using nibble::testing::data_folder;
using nibble::testing::golden;
using nibble::testing::TempFolder;
using nibble::testing::write_file;

TEST(CleanHellaswag, Rules) {
  EXPECT_EQ(clean_hellaswag(" goes  home."), "goes home.");
  EXPECT_EQ(clean_hellaswag("b [title] c"), "b. c");
  EXPECT_EQ(clean_hellaswag("four    blanks"), "four  blanks");  // one pass over pairs
  EXPECT_EQ(clean_hellaswag("[header] x"), " x");
  EXPECT_EQ(clean_hellaswag("a [x\ny] b [z] c"), "a [x\ny] b c");  // a bracket ends on its line
  EXPECT_EQ(clean_hellaswag("open [ end"), "open [ end");
}

TEST(Hellaswag, OfficialRowsAreCapitalized) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "hellaswag");
  write_file(
      folder / "hellaswag/validation.jsonl",
      R"({"activity_label": "Removing ice", "ctx_a": "A man 0 sits.", "ctx_b": "he watches TV [step] ok", "endings": [" goes  home.", "b [title] c"], "label": "1"})");
  const auto task = make_task("hellaswag", {.data = folder.path()}).take();
  const Sample sample = task->sample(0);
  EXPECT_EQ(sample.prompt, "Removing ice: A man 0 sits. He watches tv ok");
  EXPECT_EQ(std::get<LoglikelihoodRequest>(sample.requests[0]).continuation, " goes home.");
  EXPECT_EQ(std::get<LoglikelihoodRequest>(sample.requests[1]).continuation, " b. c");
  EXPECT_EQ(sample.target, "b. c");
}

TEST(Hellaswag, RefusesAWrongNumberOfLines) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "hellaswag");
  const auto path = folder / "hellaswag/hellaswag_val_full.txt";
  write_file(path, "a: b\n0\nw\nx\ny\n");
  EXPECT_EQ(make_task("hellaswag", {.data = folder.path()}).failure().message,
            "task hellaswag: " + path.string() + ": 5 lines, wanted six for each task");
  write_file(path, "a: b\n4\nw\nx\ny\nz\n");
  EXPECT_EQ(make_task("hellaswag", {.data = folder.path()}).failure().message,
            "task hellaswag: " + path.string() +
                ":2: '4', wanted the number of the right ending, 0 to 3");
}

TEST(Hellaswag, Requests) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(lines, golden("eval/hellaswag_0shot.jsonl"));
  expect_golden_requests("hellaswag", data, lines);
}

TEST(Hellaswag, RequestsWithTenExamples) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(lines, golden("eval/hellaswag_10shot.jsonl"));
  expect_golden_requests("hellaswag_10shot", data, lines);
}

}  // namespace
}  // namespace nibble::eval
