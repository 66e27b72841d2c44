#include <gtest/gtest.h>

#include "eval/task.h"
#include "support/files.h"

namespace nibble::eval {
namespace {

using nibble::testing::source_path;
using nibble::testing::TempFolder;
using nibble::testing::write_file;

TEST(DemoTasks, ReadTheCorpusOfTheRepository) {
  const TaskOptions options{.data = source_path("examples")};
  const auto perplexity = make_task("demo_perplexity", options).take();
  const auto choice = make_task("demo_choice", options).take();
  const auto reading = make_task("demo_reading", options).take();
  const auto closed = make_task("demo_closed_book", options).take();
  EXPECT_GE(perplexity->n_samples(), 50U);
  EXPECT_GE(choice->n_samples(), 100U);
  EXPECT_GE(reading->n_samples(), 150U);
  EXPECT_EQ(reading->n_samples(), closed->n_samples());
  EXPECT_EQ(choice->sample(0).requests.size(), 4U);
  EXPECT_NE(reading->info().data_hash, perplexity->info().data_hash);
}

TEST(DemoTasks, ClosedBookAsksWithoutThePassage) {
  const TaskOptions options{.data = source_path("examples/demo"), .limit = 1};
  const auto open = make_task("demo_reading", options).take()->sample(0);
  const auto closed = make_task("demo_closed_book", options).take()->sample(0);
  const std::size_t last = closed.prompt.rfind("Question: ");
  EXPECT_TRUE(open.prompt.ends_with("\n\n" + closed.prompt.substr(last)));
  EXPECT_GT(open.prompt.size(), closed.prompt.size() + 500);
  EXPECT_NE(open.prompt.find("Ulverspatt Light is a"), std::string::npos);
  EXPECT_EQ(closed.prompt.find("Ulverspatt Light is a"), std::string::npos);
  EXPECT_EQ(open.id, closed.id);
}

TEST(DemoTasks, RefuseAQuestionAboutNoPassage) {
  const TempFolder folder;
  write_file(folder / "passages.jsonl", R"({"id": "p1", "title": "T", "text": "x"})");
  write_file(folder / "questions.jsonl",
             R"({"id": "q1", "passage": "p2", "question": "Why?", "answers": ["y"]})");
  const auto task = make_task("demo_reading", {.data = folder.path()});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.failure().message,
            "task demo_reading: " + (folder / "questions.jsonl").string() +
                ":1: there is no passage 'p2'");
}

TEST(DemoTasks, RefuseAnAnswerThatIsNoChoice) {
  const TempFolder folder;
  write_file(folder / "passages.jsonl", R"({"id": "p1", "title": "T", "text": "x"})");
  write_file(
      folder / "choices.jsonl",
      R"({"id": "c1", "passage": "p1", "question": "Why?", "choices": ["y", "z"], "answer": 2})");
  const auto task = make_task("demo_choice", {.data = folder.path()});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.failure().message,
            "task demo_choice: " + (folder / "choices.jsonl").string() +
                ":1: 'answer' is not the number of a choice");
}

}  // namespace
}  // namespace nibble::eval
