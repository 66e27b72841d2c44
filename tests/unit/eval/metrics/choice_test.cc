#include "eval/metrics/choice.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble::eval {
namespace {

TEST(ScoreChoice, EachScoreDividesByAnotherLength) {
  // "aé" has two characters and three bytes.
  const auto scores = score_choice({{-5.9, -4, -3}}, {{"abcd", "aé", "b"}}, {false, true, false});
  ASSERT_TRUE(scores);
  EXPECT_EQ(scores->chosen, 2U);
  EXPECT_EQ(scores->acc, 0);
  EXPECT_EQ(scores->acc_norm, 0);   // -1.475, -2, -3
  EXPECT_EQ(scores->acc_bytes, 1);  // -1.475, -1.333, -3
}

TEST(ScoreChoice, TheFirstOfEqualsWins) {
  EXPECT_EQ(score_choice({{-2, -2}}, {{"a", "b"}}, {true, false})->acc, 1);
  EXPECT_EQ(score_choice({{-2, -2}}, {{"a", "b"}}, {false, true})->acc, 0);
}

TEST(ScoreChoice, AnEmptyChoiceIsNeverTheLikeliestByLength) {
  const auto scores = score_choice({{-0.1, -9}}, {{"", "x"}}, {true, false});
  EXPECT_EQ(scores->acc, 1);
  EXPECT_EQ(scores->acc_norm, 0);
}

TEST(ScoreChoice, BeliefIsTheShareOfTheRightOnes) {
  const double log2 = std::log(2.0);
  const std::vector<bool> right = {true, false, true};
  EXPECT_DOUBLE_EQ(score_choice({{0, log2, -log2}}, {{"a", "b", "c"}}, right)->belief, 1.5 / 3.5);
  // exp of these is 0 in float64; the share is not.
  const auto small = score_choice({{-2000, -2000 + log2, -2000 - log2}}, {{"a", "b", "c"}}, right);
  EXPECT_NEAR(small->belief, 1.5 / 3.5, 1e-12);
}

TEST(ScoreChoice, WhatIsNoNumberHasNoScore) {
  EXPECT_FALSE(score_choice({{-1, NAN}}, {{"a", "b"}}, {true, false}));
}

}  // namespace
}  // namespace nibble::eval
