#include "rag/attention/quality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace nibble::rag {
namespace {

using Values = std::vector<double>;

TEST(AttentionQuality, SplitsAtTheMedianTiesToLow) {
  const Values attention = {0.1, 0.2, 0.3, 0.3, 0.8};
  const Values scores = {0, 0.5, 1, 0, 1};
  const AttentionSplit got = split_by_attention(attention, scores);
  EXPECT_EQ(got.median, 0.3);
  EXPECT_EQ(got.n_high, 1U);
  EXPECT_EQ(got.n_low, 4U);
  EXPECT_EQ(got.high, 1.0);
  EXPECT_EQ(got.low, 0.375);
  EXPECT_NEAR(got.difference.value, 0.625, 1e-15);
  // 1 against 0, 0.5, 1, 0: three wins and a tie of four.
  EXPECT_NEAR(got.comparison.cliffs_delta, 0.75, 1e-15);
}

TEST(AttentionQuality, EqualAttentionHasNoHighGroup) {
  const AttentionSplit got = split_by_attention(Values{1, 1}, Values{0, 1});
  EXPECT_EQ(got.n_high, 0U);
  EXPECT_TRUE(std::isnan(got.high));
  EXPECT_TRUE(std::isnan(got.difference.value));
}

TEST(AttentionQuality, WithinSlotsAnEffectOfTheSlotIsGone) {
  // Attention and score both grow with the slot; within each they go against each other.
  Values attention;
  Values scores;
  std::vector<std::size_t> slots;
  for (std::size_t slot = 0; slot < 3; ++slot) {
    for (int i = 0; i < 5; ++i) {
      attention.push_back(static_cast<double>(10 * slot) + i);
      scores.push_back(static_cast<double>(10 * slot) - i);
      slots.push_back(slot);
    }
  }
  EXPECT_GT(eval::stats::spearman_rho(attention, scores), 0.5);
  EXPECT_NEAR(correlation_in_slots(attention, scores, slots).value, -(1 - 1.0 / 5), 1e-12);
}

TEST(AttentionQuality, ChangeOfTheCorrelationIsPaired) {
  const Values attention = {1, 2, 3, 4, 5, 6, 7, 8};
  const Values scores = {0, 0, 1, 0, 1, 1, 1, 1};
  const AttentionAndScores reference{attention, scores};
  const auto same = correlation_change(reference, reference, eval::stats::spearman_rho);
  EXPECT_EQ(same.value, 0.0);
  EXPECT_EQ(same.low, 0.0);
  EXPECT_EQ(same.high, 0.0);
  const Values turned = {8, 7, 6, 5, 4, 3, 2, 1};
  const auto got = correlation_change({turned, scores}, reference, eval::stats::pearson_r);
  EXPECT_NEAR(got.value, -2 * eval::stats::pearson_r(attention, scores), 1e-14);
  EXPECT_LT(got.high, 0.0);
}

TEST(AttentionQuality, RefusesOtherQuestions) {
  EXPECT_THROW(split_by_attention(Values{1}, Values{1, 2}), Error);
  EXPECT_THROW(correlation_in_slots(Values{1}, Values{1}, {}), Error);
}

}  // namespace
}  // namespace nibble::rag
