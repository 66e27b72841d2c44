#include "eval/task_file/shots.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::eval {
namespace {

using Positions = std::vector<std::size_t>;

std::vector<data::Row> toy_rows(std::int64_t n) {
  std::vector<data::Row> rows;
  for (std::int64_t i = 0; i < n; ++i) {
    rows.emplace_back(std::vector<text::jinja::Entry>{{"n", i}});
  }
  return rows;
}

TEST(DrawShots, DrawsAsTheReference) {
  // Seed 1234: the table of evaluation.md for a pool of 7473 and 5 examples.
  const auto rows = toy_rows(2);
  const auto drawn = draw_shots({}, 5, rows, toy_rows(7473));
  EXPECT_EQ(drawn[0], (Positions{6374, 3610, 957, 61, 742}));
  EXPECT_EQ(drawn[1], (Positions{7462, 6610, 4769, 286, 5501}));
}

TEST(DrawShots, OneMoreWhereTheRowIsLeftOut) {
  ShotRule rule;
  rule.leaves_itself_out = true;
  std::vector<data::Row> rows = toy_rows(2);
  rows[0] = rows[1] = std::vector<text::jinja::Entry>{{"n", "another"}};
  const auto drawn = draw_shots(rule, 5, rows, toy_rows(9427));
  EXPECT_EQ(drawn[0], (Positions{7220, 1914, 122, 1485, 572}));
  EXPECT_EQ(drawn[1], (Positions{1612, 5810, 3879, 285, 504}));
}

TEST(DrawShots, LeavesOutTheQuestionItself) {
  ShotRule rule;
  rule.leaves_itself_out = true;
  const auto pool = toy_rows(60);  // the first draws are 49 and 28
  EXPECT_EQ(draw_shots(rule, 1, {{pool[49]}}, pool)[0], Positions{28});
  EXPECT_EQ(draw_shots(rule, 1, {{pool[0]}}, pool)[0], Positions{49});
}

TEST(DrawShots, DrawsAnewWhereCopiesOfTheRowWereDrawn) {
  ShotRule rule;
  rule.leaves_itself_out = true;
  std::vector<data::Row> pool = toy_rows(4);
  pool[1] = pool[2] = pool[0];
  for (const auto& drawn : draw_shots(rule, 1, {{pool[0], pool[0], pool[0]}}, pool)) {
    EXPECT_EQ(drawn, Positions{3});
  }
}

TEST(DrawShots, TheFirstInOrder) {
  ShotRule rule;
  rule.sampler = Sampler::kFirst;
  const auto pool = toy_rows(5);
  EXPECT_EQ(draw_shots(rule, 2, {{pool[0]}}, pool)[0], (Positions{0, 1}));
  rule.leaves_itself_out = true;
  EXPECT_EQ(draw_shots(rule, 2, {{pool[0]}}, pool)[0], (Positions{1, 2}));
}

TEST(DrawShots, RefusesASmallPool) {
  const auto pool = toy_rows(3);
  ShotRule first;
  first.sampler = Sampler::kFirst;
  EXPECT_THROW(draw_shots({}, 4, pool, pool), Error);
  EXPECT_THROW(draw_shots(first, 4, pool, pool), Error);
  EXPECT_TRUE(draw_shots({}, 0, pool, {})[2].empty());
}

}  // namespace
}  // namespace nibble::eval
