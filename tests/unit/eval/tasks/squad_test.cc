#include <gtest/gtest.h>

#include "support/files.h"
#include "unit/eval/tasks/golden_requests.h"

namespace nibble::eval {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

TEST(Squad, PromptsAreThoseOfTheReference) {
  NIBBLE_NEEDS_FILE(data, nibble::testing::data_folder());
  NIBBLE_NEEDS_FILE(golden, nibble::testing::golden("eval/squadv2_0shot.jsonl"));
  const auto lines = golden_lines(golden);
  const auto task = make_task("squad", {.data = data, .limit = lines.size()}).take();
  ASSERT_EQ(task->n_samples(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Sample sample = task->sample(i);
    EXPECT_EQ(std::get<GenerationRequest>(sample.requests.at(0)).prompt,
              lines[i].at("requests")[0].at("context").get<std::string>());
    EXPECT_EQ(" " + sample.target, lines[i].at("target").get<std::string>());
  }
}

TEST(Squad, LimitsAcrossParagraphs) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "squad");
  write_file(folder / "squad/dev-v1.1.json", R"({"data": [{"title": "T", "paragraphs": [
    {"context": "C1", "qas": [{"id": "a", "question": "Q1?", "answers": [{"text": "x"}]}]},
    {"context": "C2", "qas": [{"id": "b", "question": "Q2?", "answers": []},
                              {"id": "c", "question": "Q3?", "answers": []}]}]}]})");
  const auto task = make_task("squad", {.data = folder.path(), .limit = 2}).take();
  ASSERT_EQ(task->n_samples(), 2U);
  EXPECT_EQ(task->sample(1).prompt, "Title: T\n\nBackground: C2\n\nQuestion: Q2?\n\nAnswer:");
}

}  // namespace
}  // namespace nibble::eval
