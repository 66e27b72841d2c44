#include "eval/task_file/task_data.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/files.h"

namespace nibble::eval {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using text::jinja::to_repr;

TaskDefinition task_with(std::string_view data, std::string_view shots = "") {
  return parse_task(
      fmt::format("name = \"own\"\nversion = 1\nkind = \"generation\"\nsummary = \"s\"\n"
                  "metrics = [\"f1\"]\n[data]\n{}\n[prompt]\ntext = \"t\"\ntarget = \"t\"\n"
                  "[shots]\n{}\n",
                  data,
                  shots),
      "t");
}

class TaskData : public ::testing::Test {
 protected:
  TaskPart read(const TaskDefinition& task, std::size_t n_shots = 0, const char* subject = "") {
    const std::filesystem::path folder = folder_.path();
    return read_part(task, subject, {&folder, 1}, n_shots);
  }
  std::string error(const TaskDefinition& task, std::size_t n_shots = 0) {
    try {
      static_cast<void>(read(task, n_shots));
      return "read";
    } catch (const Error& error) {
      const std::string message = error.what();
      return message.substr(folder_.path().string().size());
    }
  }
  TempFolder folder_;
};

TEST_F(TaskData, TheFirstFileThatExists) {
  write_file(folder_ / "b.jsonl", "{\"x\": 1}\n");
  const auto task = task_with("files = [\"a.jsonl\", \"b.jsonl\"]");
  EXPECT_EQ(read(task).evaluated.path, folder_ / "b.jsonl");
  EXPECT_EQ(error(task_with("files = [\"c.jsonl\", \"d.jsonl\"]")),
            ": no data file, wanted c.jsonl or d.jsonl (or .gz)");
}

TEST_F(TaskData, ColumnsAreMadeWhereTheyLack) {
  write_file(folder_ / "a.jsonl", "{\"x\": 1}\n{\"x\": 2, \"y\": 9}\n");
  const auto task = task_with(
      "files = [\"a.jsonl\"]\n"
      "columns = { y = \"{{ x + 1 }}\", z = \"{{ [x, y] }}\" }");
  const auto part = read(task);
  EXPECT_EQ(to_repr(part.evaluated.rows[0]), "{'x': 1, 'y': 2, 'z': [1, 2]}");
  EXPECT_EQ(to_repr(part.evaluated.rows[1]), "{'x': 2, 'y': 9, 'z': [2, 9]}");
}

TEST_F(TaskData, AColumnMayLieBeside) {
  write_file(folder_ / "a.jsonl", "{\"x\": 1}\n{\"x\": 2}\n");
  write_file(folder_ / "labels.lst", "0\n1\n");
  const auto task = task_with("files = [\"a.jsonl\"]\nbeside = { label = \"labels.lst\" }");
  EXPECT_EQ(to_repr(read(task).evaluated.rows[1]), "{'x': 2, 'label': '1'}");
  write_file(folder_ / "labels.lst", "0\n");
  EXPECT_EQ(error(task), "/a.jsonl: 2 rows, but 1 values of 'label' beside it");
}

TEST_F(TaskData, ASubjectNamesFilesAndIsAColumn) {
  write_file(folder_ / "law_test.csv", "Q,A\n");
  const auto task = task_with("files = [\"{subject}_test.csv\"]\ncsv_columns = [\"q\", \"a\"]");
  EXPECT_EQ(to_repr(read(task, 0, "law").evaluated.rows[0]),
            "{'q': 'Q', 'a': 'A', 'subject': 'law'}");
}

TEST_F(TaskData, ExamplesComeFromAFileTheTaskOrTheEvaluatedRows) {
  write_file(folder_ / "a.jsonl", "{\"x\": 1}\n");
  const auto from_file = task_with("files = [\"a.jsonl\"]", "files = [\"train.jsonl\"]");
  EXPECT_EQ(error(from_file, 1), ": no file of solved examples, wanted train.jsonl (or .gz)");
  EXPECT_TRUE(read(from_file, 0).pool.rows.empty());
  const auto own =
      task_with("files = [\"a.jsonl\"]", "files = [\"train.jsonl\"]\nleaves_itself_out = true");
  EXPECT_TRUE(read(own, 1).draws_from_evaluated);
  write_file(folder_ / "train.jsonl", "{\"x\": 5}\n");
  EXPECT_EQ(to_repr(read(from_file, 1).pool.rows[0]), "{'x': 5}");
  const auto inline_rows = task_with("files = [\"a.jsonl\"]", "[[shots.row]]\nx = \"7\"");
  EXPECT_EQ(to_repr(read(inline_rows, 1).pool.rows[0]), "{'x': '7'}");
}

TEST_F(TaskData, AColumnThatCannotBeMadeNamesTheRow) {
  write_file(folder_ / "a.jsonl", "{\"x\": 1}\n{\"q\": 2}\n");
  EXPECT_EQ(error(task_with("files = [\"a.jsonl\"]\ncolumns = { y = \"{{ x }}\" }")),
            "/a.jsonl: row 2: y: 'x' is undefined");
}

}  // namespace
}  // namespace nibble::eval
