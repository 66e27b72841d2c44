/// Whether answers fall off at some length of the context, by two rules.
///
/// Model: a line with one break at a tested length, against a straight line, both with an effect of
/// each question. The break with the least squared error counts if it lowers BIC and the line
/// behind it falls, and falls faster.
///
///   BIC = n ln(SSE / n) + k ln n,  k = 1 (slope) or 3 (slope, change of slope, break) beside the
///   questions' effects
///
/// Rule: the shortest length whose mean is below the best mean of shorter lengths by more than
/// delta = max(least drop, 2 standard errors of the paired difference), where no longer length
/// comes back above that.
///
/// Units      tokens; scores in [0, 1]
/// Precision  nullopt where no cliff is seen, and the model for fewer than 4 lengths
/// Threads    pure functions
/// Errors     those of by_question
/// Source     reference/evaluation.md 4.4; Schwarz 1978 (BIC)
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "eval/stats/interval.h"
#include "rag/attention/degradation.h"

namespace nibble::rag {

struct ModelCliff {
  double tokens = 0.0;                            ///< of the break
  double slope_before = 0.0, slope_behind = 0.0;  ///< per 1,000 tokens
  double bic_gain = 0.0;                          ///< of the straight line's BIC over the break's
  double low = 0.0,
         high = 0.0;         ///< percentiles of the break over resampled questions that have one
  double share_found = 0.0;  ///< of resamples that have a cliff
};

std::optional<ModelCliff> model_cliff(std::span<const LengthScore> scores,
                                      const eval::stats::ResampleOptions& options = {});

struct RuleCliff {
  double tokens = 0.0;
  double drop = 0.0;   ///< from the best mean of shorter lengths
  double delta = 0.0;  ///< what it had to exceed
};

std::optional<RuleCliff> rule_cliff(std::span<const LengthScore> scores, double least_drop = 0.05);

}  // namespace nibble::rag
