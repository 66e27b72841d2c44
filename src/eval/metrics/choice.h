/// Scores of a question with choices, from the log-probability of each.
///
///   acc        1 where the arg-max of logprob_i is right; the first wins ties
///   acc_norm   likewise with logprob_i / code points of choice i
///   acc_bytes  likewise with logprob_i / bytes of choice i
///   belief     sum over right choices of exp(logprob_i) / sum over all
///
/// A log-probability that is not a number leaves the question unanswered.
///
/// Source     lm-evaluation-harness 0.4.13 `ConfigurableTask.process_results`, truthfulqa/utils.py
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nibble::eval {

struct ChoiceScores {
  std::size_t chosen = 0;  ///< of the most likely choice
  double acc = 0;
  double acc_norm = 0;
  double acc_bytes = 0;
  double belief = 0;
};

/// `choices` are without the delimiter; nullopt: unanswered.
std::optional<ChoiceScores> score_choice(std::span<const double> logprobs,
                                         std::span<const std::string> choices,
                                         const std::vector<bool>& is_right);

}  // namespace nibble::eval
