/// Log-probabilities of tokens from logits that come a slice of the vocabulary at a time, so that
/// no row of logits is ever whole.
///
///   logprob = x[target] - log(sum over the vocabulary of exp(x))
///
/// Precision  sums in float64; a row's bits depend on where the slices are cut, not on other rows
/// Threads    `add` splits rows over the pool
/// Errors     kShapeMismatch: a target outside the vocabulary, rows that do not ascend, slices that
///            do not follow each other
/// Source     our own; the running log-sum-exp: Milakov and Gimelshein 2018, arXiv 1805.02867
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

/// Row `row` predicts `token`; a row may predict several.
struct RowTarget {
  std::size_t row;
  std::int32_t token;
};

struct TokenScore {
  double logprob;
  bool is_argmax;  ///< the first of equal logits wins
};

class TokenScorer {
 public:
  /// `targets` by ascending row; they must outlive the scorer.
  TokenScorer(std::size_t n_rows, std::size_t vocab, std::span<const RowTarget> targets);

  /// The logits of rows [first_row, …) for tokens [first_token, …). A row's slices come in order.
  void add(std::size_t first_row,
           std::size_t first_token,
           MatrixView<const float> logits,
           ThreadPool& pool);

  /// One score for each target, when every row is complete.
  void finish(std::span<TokenScore> scores) const;

 private:
  struct Row {
    double log_sum;
    float top;
    std::size_t best;          ///< token of `top`
    std::size_t n_tokens;      ///< seen
    std::size_t first_target;  ///< of its own
    std::size_t n_targets;
  };
  void add_slice(Row& row, std::size_t first_token, std::span<const float> logits);

  std::size_t vocab_;
  std::span<const RowTarget> targets_;
  std::vector<float> target_logits_;
  std::vector<Row> rows_;
};

}  // namespace nibble::ops
