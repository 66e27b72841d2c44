#include "report/answers/effects.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble::report {
namespace {

TEST(LengthEffect, SlopeCliffAndTheExtraOfAVariant) {
  const std::vector<AtLength> reference{{1000, {{"a", 1.0}, {"b", 0.5}, {"c", 0.9}}},
                                        {2000, {{"a", 0.9}, {"b", 0.4}, {"c", 0.8}}}};
  const std::vector<AtLength> variant{{1000, {{"a", 1.0}, {"b", 0.5}, {"d", 0.0}}},
                                      {2000, {{"a", 0.6}, {"b", 0.1}, {"d", 0.0}}}};
  const LengthEffect own = length_effect(reference, nullptr);
  EXPECT_NEAR(own.own.slope.value, -0.1, 1e-12);
  EXPECT_FALSE(own.extra);
  ASSERT_TRUE(own.rule_cliff);
  EXPECT_EQ(own.rule_cliff->tokens, 2000);
  EXPECT_FALSE(own.model_cliff) << "two lengths have no break between them";
  const LengthEffect with = length_effect(variant, &reference);
  EXPECT_NEAR(with.own.slope.value, -0.8 / 3, 1e-12);
  ASSERT_TRUE(with.extra);
  EXPECT_NEAR(with.extra->slope.value, -0.3, 1e-12) << "over the two questions of both";
}

TEST(PositionChange, IsOfQuestionsThatEveryPositionHas) {
  const std::vector<ByQuestion> reference{{{"a", 1.0}, {"b", 1.0}, {"c", 1.0}},
                                          {{"a", 0.5}, {"b", 0.5}},
                                          {{"a", 1.0}, {"b", 1.0}, {"c", 1.0}}};
  const std::vector<ByQuestion> variant{{{"a", 1.0}}, {{"a", 0.0}}, {{"a", 1.0}}};
  const PositionChange own = position_change(reference, nullptr);
  EXPECT_NEAR(own.own.u.value, 0.5, 1e-12);
  EXPECT_EQ(own.own.u.n, 2U);
  EXPECT_FALSE(own.change);
  const PositionChange with = position_change(variant, &reference);
  ASSERT_TRUE(with.change);
  EXPECT_NEAR(with.change->value, 0.5, 1e-12);
}

/// Questions "0" to "7": the better the rank, the better the answer.
QuestionValues values() {
  QuestionValues out;
  for (int i = 0; i < 8; ++i) {
    const std::string question(1, static_cast<char>('0' + i));
    out.f1[question] = i / 8.0;
    out.right[question] = i >= 4 ? 1 : 0;
    out.p1[question] = i >= 4 ? 1 : 0;
    out.rank[question] = 9 - i;
    out.lift[question] = i;
    out.drift[question] = 0.5 - i / 16.0;
    out.depths[question] = i % 2;
  }
  return out;
}

TEST(AttentionQuality, CorrelatesOverQuestions) {
  const QuestionValues reference = values();
  const AttentionQuality found = attention_quality(reference, nullptr);
  EXPECT_EQ(found.n, 8U);
  EXPECT_EQ(found.median_rank, 5.5);
  EXPECT_NEAR(found.rank_f1.value, -1, 1e-12);
  EXPECT_GT(found.p1_f1.value, 0.8);
  EXPECT_GT(found.lift_f1.value, 0.7);
  EXPECT_EQ(found.lift_f1.n, 8U);
  EXPECT_EQ(found.split.high, 1);
  EXPECT_EQ(found.split.low, 0);
  EXPECT_FALSE(found.rank_f1_change);
  QuestionValues variant = values();
  for (auto& [question, rank] : variant.rank) {
    rank = 10 - rank;
  }
  const AttentionQuality with = attention_quality(variant, &reference);
  ASSERT_TRUE(with.rank_f1_change);
  EXPECT_NEAR(with.rank_f1_change->value, 2, 1e-12);
}

TEST(AttentionQuality, HasNoNumberWhereNothingWasMeasured) {
  const AttentionQuality found = attention_quality({}, nullptr);
  EXPECT_EQ(found.n, 0U);
  EXPECT_TRUE(std::isnan(found.median_rank));
  EXPECT_TRUE(std::isnan(found.rank_f1.value));
  EXPECT_TRUE(std::isnan(drift_quality({}).right.value));
}

TEST(DriftQuality, RightAndWrongAnswersApart) {
  QuestionValues given = values();
  given.drift.erase("7");
  const DriftQuality found = drift_quality(given);
  EXPECT_EQ(found.n, 7U);
  EXPECT_NEAR(found.right.value, 0.5 - 5 / 16.0, 1e-12);
  EXPECT_EQ(found.right.n, 3U);
  EXPECT_NEAR(found.wrong.value, 0.5 - 1.5 / 16.0, 1e-12);
  EXPECT_NEAR(found.f1.value, -1, 1e-12);
}

}  // namespace
}  // namespace nibble::report
