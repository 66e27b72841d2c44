/// Questions that the model answers in its own words, by greedy decoding up to the end of the line.
///
/// Source     scores: eval/metrics/reading.h
#pragma once

#include <string>
#include <vector>

#include "eval/task.h"

namespace nibble::eval {

struct ReadingItem {
  std::string id;
  std::string prompt;
  std::vector<std::string> answers;  ///< any of them is right
};

class ReadingTask final : public Task {
 public:
  /// Fills `info.metrics`: f1, exact_match, contains.
  ReadingTask(TaskInfo info, std::vector<ReadingItem> items, std::size_t max_tokens);

  [[nodiscard]] const TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return items_.size(); }
  [[nodiscard]] Sample sample(std::size_t index) const override;
  [[nodiscard]] SampleResult score(const Sample& sample,
                                   std::span<const Response> responses) const override;

 private:
  TaskInfo info_;
  std::vector<ReadingItem> items_;
  std::size_t max_tokens_;
};

}  // namespace nibble::eval
