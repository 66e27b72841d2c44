/// The score of answers to questions that may have none, had the model kept silent above the best
/// possible threshold of its no-answer probability.
///
///   N * best = n without an answer + max over k of the sum of the first k gains,
///              questions by ascending no-answer probability
///   gain     = the score of a question with an answer; of one without: -1 if anything was said
///
/// The threshold is chosen on the very answers that are scored, so it is an upper bound.
///
/// Errors     none; NaN for no questions; of fewer than two the bounds are NaN
/// Source     SQuAD 2.0's evaluation script: find_best_thresh; lm-evaluation-harness 0.4.13
///            `squadv2`; percentile bootstrap over questions, the threshold chosen anew in each
#pragma once

#include <span>

#include "eval/stats/interval.h"

namespace nibble::eval {

struct ThresholdQuestion {
  double no_answer_probability = 0;
  bool has_answer = false;
  double gain = 0;
};

stats::Interval best_over_thresholds(std::span<const ThresholdQuestion> questions,
                                     const stats::ResampleOptions& options = {});

}  // namespace nibble::eval
