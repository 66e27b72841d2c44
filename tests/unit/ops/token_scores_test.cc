#include "ops/token_scores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/error.h"

namespace nibble::ops {
namespace {

/// Scores of `targets` when each row of logits comes in slices of `slice` tokens, `block` rows at a
/// time.
std::vector<TokenScore> score(MatrixView<const float> logits,
                              std::span<const RowTarget> targets,
                              std::size_t slice,
                              std::size_t block) {
  ThreadPool pool(2);
  TokenScorer scorer(logits.rows, logits.cols, targets);
  for (std::size_t token = 0; token < logits.cols; token += slice) {
    const auto part = logits.cols_from(token, std::min(slice, logits.cols - token));
    for (std::size_t row = 0; row < logits.rows; row += block) {
      scorer.add(row, token, part.rows_from(row, std::min(block, logits.rows - row)), pool);
    }
  }
  std::vector<TokenScore> scores(targets.size());
  scorer.finish(scores);
  return scores;
}

TEST(TokenScorer, WorkedByHand) {
  const std::vector<float> logits = {0, 0, 0, 0, 1000, 0, 0, 0};
  const RowTarget targets[] = {{0, 1}, {0, 0}, {1, 0}, {1, 3}};
  for (const std::size_t slice : {1U, 3U, 4U}) {
    const auto scores = score({logits.data(), 2, 4}, targets, slice, 1);
    EXPECT_NEAR(scores[0].logprob, -std::log(4.0), 1e-12);
    EXPECT_FALSE(scores[0].is_argmax) << "the first of equal logits wins";
    EXPECT_TRUE(scores[1].is_argmax);
    EXPECT_NEAR(scores[2].logprob, 0.0, 1e-12);
    EXPECT_TRUE(scores[2].is_argmax);
    EXPECT_NEAR(scores[3].logprob, -1000.0, 1e-12);
  }
}

TEST(TokenScorer, SlicesGiveWhatTheWholeGives) {
  constexpr std::size_t kRows = 9;
  constexpr std::size_t kVocab = 1000;
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0.0F, 4.0F);
  std::vector<float> logits(kRows * kVocab);
  std::ranges::generate(logits, [&] { return normal(random); });
  std::vector<RowTarget> targets;
  for (std::size_t row = 0; row < kRows; row += 2) {
    for (int i = 0; i < 3; ++i) {
      targets.push_back({row, static_cast<std::int32_t>(random() % kVocab)});
    }
  }
  const MatrixView<const float> view(logits.data(), kRows, kVocab);
  const auto whole = score(view, targets, kVocab, kRows);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto x = view.row_span(targets[i].row);
    double sum = 0;
    for (const float value : x) {
      sum += std::exp(double{value});
    }
    const float logit = x[static_cast<std::size_t>(targets[i].token)];
    EXPECT_NEAR(whole[i].logprob, double{logit} - std::log(sum), 1e-6);
    EXPECT_EQ(whole[i].is_argmax, logit == *std::ranges::max_element(x));
  }
  for (const std::size_t slice : {1U, 16U, 333U}) {
    const auto sliced = score(view, targets, slice, kRows);
    const auto blocked = score(view, targets, slice, 2);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      EXPECT_NEAR(sliced[i].logprob, whole[i].logprob, 1e-6);
      EXPECT_EQ(sliced[i].is_argmax, whole[i].is_argmax);
      EXPECT_EQ(std::memcmp(&sliced[i].logprob, &blocked[i].logprob, sizeof(double)), 0)
          << "the bits do not depend on the rows beside";
    }
  }
}

TEST(TokenScorer, ASliceOfImpossibleTokensAddsNothing) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> logits = {-kInfinity, -kInfinity, 1, 1};
  const RowTarget targets[] = {{0, 0}, {0, 2}};
  const auto scores = score({logits.data(), 1, 4}, targets, 2, 2);
  EXPECT_EQ(scores[0].logprob, -std::numeric_limits<double>::infinity());
  EXPECT_NEAR(scores[1].logprob, -std::log(2.0), 1e-12);
  EXPECT_TRUE(scores[1].is_argmax);
}

TEST(TokenScorer, RefusesWhatDoesNotFit) {
  ThreadPool pool(1);
  const std::vector<float> logits(8);
  const RowTarget outside[] = {{0, 4}};
  const RowTarget negative[] = {{0, -1}};
  const RowTarget descending[] = {{1, 0}, {0, 0}};
  const RowTarget fine[] = {{0, 0}};
  EXPECT_THROW(TokenScorer(2, 4, outside), Error);
  EXPECT_THROW(TokenScorer(2, 4, negative), Error);
  EXPECT_THROW(TokenScorer(2, 4, descending), Error);
  EXPECT_THROW(TokenScorer(0, 4, fine), Error);
  TokenScorer scorer(2, 4, fine);
  std::vector<TokenScore> one(1);
  EXPECT_THROW(scorer.finish(one), Error) << "no logits yet";
  EXPECT_THROW(scorer.add(0, 1, {logits.data(), 1, 3}, pool), Error) << "a gap";
  EXPECT_THROW(scorer.add(1, 0, {logits.data(), 2, 4}, pool), Error) << "too many rows";
  scorer.add(0, 0, {logits.data(), 2, 4}, pool);
  EXPECT_THROW(scorer.add(0, 4, {logits.data(), 1, 1}, pool), Error) << "past the vocabulary";
  scorer.finish(one);
  EXPECT_THROW(scorer.finish({}), Error);
}

}  // namespace
}  // namespace nibble::ops
