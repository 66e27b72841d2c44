/// Multiple choice by log-likelihood: the choice that the model finds most likely behind the
/// question.
///
///   acc       1 where arg-max of logprob_i is the right choice; the first wins ties
///   acc_norm  likewise with logprob_i / code points of choice i (without the blank in front)
///
/// A log-probability that is not a number leaves the sample unanswered.
///
/// Source     lm-evaluation-harness 0.4.13 `ConfigurableTask.process_results`
#pragma once

#include <string>
#include <vector>

#include "eval/task.h"

namespace nibble::eval {

struct ChoiceItem {
  std::string id;
  std::string context;
  std::vector<std::string> choices;  ///< without the delimiter
  std::size_t right = 0;
  std::string document{};  ///< the record as JSON; "": none
};

/// The continuations are " " + choice.
class ChoiceTask final : public Task {
 public:
  /// Fills `info.metrics`.
  ChoiceTask(TaskInfo info, std::vector<ChoiceItem> items);

  [[nodiscard]] const TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return items_.size(); }
  [[nodiscard]] Sample sample(std::size_t index) const override;
  [[nodiscard]] SampleResult score(const Sample& sample,
                                   std::span<const Response> responses) const override;

 private:
  TaskInfo info_;
  std::vector<ChoiceItem> items_;
};

}  // namespace nibble::eval
