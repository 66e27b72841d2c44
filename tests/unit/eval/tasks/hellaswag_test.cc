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

TEST(Hellaswag, TheFileNameSaysWhichFormItHas) {
  const TempFolder folder;
  const auto data = folder / "all.jsonl.d/hellaswag";
  std::filesystem::create_directories(data);
  write_file(data / "hellaswag_val_full.txt", "Ice: A man sits.\n2\na\nb\nc\nd\n");
  EXPECT_EQ(make_task("hellaswag", {.data = data.parent_path()}).take()->sample(0).target, "c");
}

TEST(Hellaswag, RefusesALabelThatIsNoEnding) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "hellaswag");
  const auto path = folder / "hellaswag/validation.jsonl";
  write_file(
      path,
      R"({"activity_label": "A", "ctx_a": "B", "ctx_b": "", "endings": ["x"], "label": "1"})");
  EXPECT_EQ(
      make_task("hellaswag", {.data = folder.path()}).failure().message,
      "task hellaswag: " + path.string() + ":1: 'label' is '1', wanted the number of an ending");
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
