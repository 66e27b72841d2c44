#include "ops/token_scores.h"

#include <cmath>
#include <limits>

#include "base/checked_math.h"
#include "base/error.h"
#include "kernels/select.h"

namespace nibble::ops {
namespace {

/// Logits that are worth a hand-over to another thread.
constexpr std::size_t kTaskLogits = 16384;

/// log(exp(a) + exp(b)), b finite; NaN when either is.
double log_add(double a, double b) {
  return a > b ? a + std::log1p(std::exp(b - a)) : b + std::log1p(std::exp(a - b));
}

}  // namespace

TokenScorer::TokenScorer(std::size_t n_rows, std::size_t vocab, std::span<const RowTarget> targets)
    : vocab_(vocab),
      targets_(targets),
      target_logits_(targets.size()),
      rows_(n_rows,
            {-std::numeric_limits<double>::infinity(),
             -std::numeric_limits<float>::infinity(),
             vocab,
             0,
             0,
             0}) {
  std::size_t last_row = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto [row, token] = targets[i];
    if (row >= n_rows || row < last_row) {
      raise(
          ErrorCode::kShapeMismatch, "token scores: row {} behind {} of {}", row, last_row, n_rows);
    }
    if (token < 0 || static_cast<std::size_t>(token) >= vocab) {
      raise(ErrorCode::kShapeMismatch, "token scores: target {} of {} logits", token, vocab);
    }
    if (rows_[row].n_targets++ == 0) {
      rows_[row].first_target = i;
    }
    last_row = row;
  }
}

void TokenScorer::add(std::size_t first_row,
                      std::size_t first_token,
                      MatrixView<const float> logits,
                      ThreadPool& pool) {
  if (first_row > rows_.size() || logits.rows > rows_.size() - first_row || logits.cols == 0) {
    raise(ErrorCode::kShapeMismatch,
          "token scores: [{}, {}] logits from row {} on, of {} rows",
          logits.rows,
          logits.cols,
          first_row,
          rows_.size());
  }
  const std::size_t chunk = ceil_div(kTaskLogits, logits.cols);
  pool.run(ceil_div(logits.rows, chunk), [&](std::size_t task, std::size_t /*worker*/) {
    for (std::size_t r = task * chunk; r < std::min(logits.rows, (task + 1) * chunk); ++r) {
      add_slice(rows_[first_row + r], first_token, logits.row_span(r));
    }
  });
}

void TokenScorer::add_slice(Row& row, std::size_t first_token, std::span<const float> logits) {
  if (first_token != row.n_tokens || logits.size() > vocab_ - row.n_tokens) {
    raise(ErrorCode::kShapeMismatch,
          "token scores: tokens {} to {} behind {} of {}",
          first_token,
          first_token + logits.size(),
          row.n_tokens,
          vocab_);
  }
  const auto& set = *kernels::kernels().elementwise;
  const std::size_t best = set.argmax(logits.data(), logits.size());
  if (logits[best] != -std::numeric_limits<float>::infinity()) {
    row.log_sum = log_add(row.log_sum, set.log_sum_exp(logits.data(), logits.size()));
  }
  if (logits[best] > row.top) {
    row.top = logits[best];
    row.best = first_token + best;
  }
  row.n_tokens += logits.size();
  for (std::size_t i = row.first_target; i < row.first_target + row.n_targets; ++i) {
    const auto token = static_cast<std::size_t>(targets_[i].token);
    if (token >= first_token && token < row.n_tokens) {
      target_logits_[i] = logits[token - first_token];
    }
  }
}

void TokenScorer::finish(std::span<TokenScore> scores) const {
  if (scores.size() != targets_.size()) {
    raise(ErrorCode::kShapeMismatch,
          "token scores: {} scores for {} targets",
          scores.size(),
          targets_.size());
  }
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const Row& row = rows_[targets_[i].row];
    if (row.n_tokens != vocab_) {
      raise(ErrorCode::kShapeMismatch,
            "token scores: row {} has seen {} of {} logits",
            targets_[i].row,
            row.n_tokens,
            vocab_);
    }
    scores[i] = {double{target_logits_[i]} - row.log_sum,
                 row.best == static_cast<std::size_t>(targets_[i].token)};
  }
}

}  // namespace nibble::ops
