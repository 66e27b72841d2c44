#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "eval/task.h"
#include "support/files.h"

namespace nibble::eval {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

TEST(Tasks, UnknownNameSuggestsTheNearest) {
  const auto task = make_task("arc_eazy", {});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.failure().code, ErrorCode::kNotFound);
  EXPECT_EQ(task.failure().message,
            "unknown task 'arc_eazy' (did you mean 'arc_easy'?); nibble tasks lists them");
}

TEST(Tasks, NamesAreCheckedWithoutData) {
  EXPECT_TRUE(check_task_name("arc_easy_5shot"));
  EXPECT_TRUE(check_task_name("choice:nowhere.jsonl"));
  EXPECT_EQ(check_task_name("arc_eazy").failure().message,
            "unknown task 'arc_eazy' (did you mean 'arc_easy'?); nibble tasks lists them");
}

TEST(Tasks, ShotsAreForTasksThatHaveThem) {
  EXPECT_EQ(make_task("squad_5shot", {}).failure().code, ErrorCode::kNotFound);
  EXPECT_EQ(make_task("arc_easy_shot", {}).failure().code, ErrorCode::kNotFound);
  EXPECT_EQ(make_task("arc_easy_9999999999999999999999shot", {}).failure().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(make_task("choice:", {}).failure().code, ErrorCode::kNotFound);
  EXPECT_EQ(make_task("choice:FILE", {.data = "/nowhere"}).failure().code, ErrorCode::kNotFound);
}

TEST(Tasks, AnEmptySetIsRefused) {
  const TempFolder folder;
  write_file(folder / "none.jsonl", "\n");
  const auto task = make_task("choice:none.jsonl", {.data = folder.path()});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.failure().code, ErrorCode::kCorruptData);
  EXPECT_EQ(task.failure().message,
            "task choice:none.jsonl: the data set is empty, wanted at least one sample");
}

TEST(Tasks, MissingDataNamesTheFolder) {
  const TempFolder folder;
  const auto task = make_task("arc_easy", {.data = folder.path()});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.failure().code, ErrorCode::kNotFound);
  EXPECT_EQ(task.failure().message,
            "task arc_easy: " + (folder / "arc_easy").string() +
                ": no data file, wanted test.jsonl (or .gz)");
}

TEST(Tasks, EveryRowHasASummaryItsOwnNameAndAPlaceInTheManual) {
  const std::string page =
      nibble::testing::read_file(nibble::testing::source_path("docs/tasks.md"));
  const auto rows = task_table();
  ASSERT_FALSE(rows.empty());
  for (const TaskRow& row : rows) {
    EXPECT_FALSE(row.summary.empty()) << row.name;
    EXPECT_NE(page.find(fmt::format("`{}`", row.name)), std::string::npos) << row.name;
    EXPECT_EQ(std::ranges::count(rows, row.name, &TaskRow::name), 1) << row.name;
  }
}

}  // namespace
}  // namespace nibble::eval
