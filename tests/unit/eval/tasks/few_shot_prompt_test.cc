#include "eval/tasks/few_shot_prompt.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::eval {
namespace {

std::vector<ChoiceItem> toy_rows() {
  std::vector<ChoiceItem> rows;
  for (int i = 0; i < 60; ++i) {
    rows.push_back({fmt::format("{}", i),
                    fmt::format("Question: Q{}?\nAnswer:", i),
                    {"a", "b", "c", "d"},
                    i == 49 ? 2U : 0U});
  }
  return rows;
}

TEST(AddShots, DrawsAsTheReference) {
  // Seed 1234, 60 rows: the first draw is row 49.
  std::vector<ChoiceItem> items = toy_rows();
  add_shots(items, toy_rows(), ShotPool::kOtherRows, 1);
  EXPECT_EQ(items[0].context, "Question: Q49?\nAnswer: c\n\nQuestion: Q0?\nAnswer:");
}

TEST(AddShots, LeavesOutTheQuestionItself) {
  const std::vector<ChoiceItem> rows = toy_rows();
  std::vector<ChoiceItem> items = {rows[49]};
  add_shots(items, rows, ShotPool::kEvaluatedRows, 1);
  EXPECT_EQ(items[0].context, "Question: Q28?\nAnswer: a\n\nQuestion: Q49?\nAnswer:");
}

TEST(AddShots, NoneChangesNothing) {
  std::vector<ChoiceItem> items = toy_rows();
  add_shots(items, {}, ShotPool::kOtherRows, 0);
  EXPECT_EQ(items[3].context, "Question: Q3?\nAnswer:");
}

TEST(AddShots, RefusesASmallPool) {
  std::vector<ChoiceItem> items = toy_rows();
  const std::vector<ChoiceItem> pool(items.begin(), items.begin() + 3);
  EXPECT_THROW(add_shots(items, pool, ShotPool::kOtherRows, 4), Error);
}

}  // namespace
}  // namespace nibble::eval
