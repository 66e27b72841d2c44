#include <fmt/format.h>
#include <gtest/gtest.h>

#include "eval/task.h"
#include "support/files.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::eval {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

class OwnFile : public ::testing::Test {
 protected:
  std::unique_ptr<Task> make(std::string_view name) {
    TaskOptions options;
    options.data = folder_.path();
    options.tokenizer = &tokenizer_;
    return make_task(name, options).take();
  }
  TempFolder folder_;
  FakeTokenizer tokenizer_;
};

TEST_F(OwnFile, ChoiceFromQuestionsOrContexts) {
  write_file(folder_ / "mine.jsonl",
             "{\"question\": \"Why?\", \"choices\": [\"x\", \"y\"], \"answer\": 1}\n"
             "{\"id\": \"two\", \"context\": \"As it is\", \"choices\": [\"z\"], \"answer\": 0}\n");
  const auto task = make("choice:mine.jsonl");
  EXPECT_EQ(task->sample(0).id, "line 1");
  EXPECT_EQ(task->sample(0).prompt, "Question: Why?\nAnswer:");
  EXPECT_EQ(task->sample(0).target, "y");
  EXPECT_EQ(task->sample(1).id, "two");
  EXPECT_EQ(task->sample(1).prompt, "As it is");
}

TEST_F(OwnFile, Reading) {
  write_file(folder_ / "mine.jsonl", R"({"question": "Why?", "answers": ["because"]})");
  EXPECT_EQ(make("reading:mine.jsonl")->sample(0).target, "because");
}

TEST_F(OwnFile, PerplexityOfPlainTextAndOfRecords) {
  write_file(folder_ / "a.txt", "one two");
  write_file(folder_ / "b.jsonl", "{\"text\": \"x\"}\n{\"text\": \"yz\"}\n");
  EXPECT_EQ(make("perplexity:a.txt")->n_samples(), 1U);
  const auto records = make("perplexity:b.jsonl");
  ASSERT_EQ(records->n_samples(), 2U);
  EXPECT_EQ(std::get<RollingRequest>(records->sample(1).requests.at(0)).text, "yz");
}

TEST_F(OwnFile, TheFilesOwnExtensionSaysWhatItHolds) {
  const auto folder = folder_ / "all.json.d";
  std::filesystem::create_directory(folder);
  write_file(folder / "a.txt", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n");
  write_file(folder / "b.json", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n");
  EXPECT_EQ(make("perplexity:all.json.d/a.txt")->n_samples(), 1U);
  EXPECT_EQ(make("perplexity:all.json.d/b.json")->n_samples(), 2U);
}

TEST_F(OwnFile, WindowsOfJoinedTexts) {
  write_file(folder_ / "b.jsonl",
             fmt::format("{{\"text\": \"{}\"}}\n{{\"text\": \"{}\"}}\n",
                         std::string(2048, 'w'),
                         std::string(2050, '1')));
  const auto task = make("disjoint2048:b.jsonl");
  ASSERT_EQ(task->n_samples(), 2U);  // of "\n\n111…" the tail "1111" is dropped
  EXPECT_EQ(std::get<WindowRequest>(task->sample(1).requests.at(0)).tokens,
            ids_of("\n\n" + std::string(2046, '1')));
  EXPECT_EQ(make("stride512:b.jsonl")->n_samples(), 6U);
}

}  // namespace
}  // namespace nibble::eval
