/// Whether attention to the evidence tells how good an answer is.
///
///   split       questions with more than the median attention against the others (ties to low):
///               difference of the mean scores, Mann-Whitney, Cliff's delta. An illustration, not
///               the test
///   in slots    rank correlation within each position of the gold document, pooled by Fisher's z
///   change      correlation of the variant less that of the reference, on the same questions
///
/// Precision  NaN where a group is empty or nothing varies
/// Threads    pure functions
/// Errors     kInvalidArgument: spans of different lengths
/// Source     reference/evaluation.md 4.7
#pragma once

#include <cstddef>
#include <span>

#include "eval/stats/correlation.h"
#include "eval/stats/interval.h"
#include "eval/stats/ranks.h"

namespace nibble::rag {

struct AttentionSplit {
  double median = 0.0;  ///< of the attention
  std::size_t n_high = 0, n_low = 0;
  double high = 0.0, low = 0.0;      ///< mean scores
  eval::stats::Interval difference;  ///< high less low, over questions
  eval::stats::GroupComparison comparison;
};

AttentionSplit split_by_attention(std::span<const double> attention,
                                  std::span<const double> scores,
                                  const eval::stats::ResampleOptions& options = {});

eval::stats::Correlation correlation_in_slots(std::span<const double> attention,
                                              std::span<const double> scores,
                                              std::span<const std::size_t> slots);

/// What one model's attention and scores are on the questions.
struct AttentionAndScores {
  std::span<const double> attention, scores;
};

/// Which correlation: eval::stats::pearson_r or spearman_rho.
using CorrelationValue = double (*)(std::span<const double>, std::span<const double>);

eval::stats::Interval correlation_change(const AttentionAndScores& variant,
                                         const AttentionAndScores& reference,
                                         CorrelationValue correlation,
                                         const eval::stats::ResampleOptions& options = {});

}  // namespace nibble::rag
