/// Searching itself as a task: the questions of a set, whose answers are numbers of its passages.
///
/// Right passages are those that the set calls gold, each of grade 1. A question without any has no
/// score. A response is a generation whose text is `found_text` of the passages, best first.
///
/// Units      shares of 1
/// Source     eval/metrics/ranking.h
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/task.h"
#include "rag/answer/question.h"

namespace nibble::rag {

/// The mode of such a task's context.
inline constexpr std::string_view kSearchMode = "search";
/// nDCG and MRR look at so many passages, so a search gives as many at least.
inline constexpr std::size_t kRankedPassages = 10;

/// "3 17 2"
std::string found_text(std::span<const std::size_t> passages);
/// kCorruptData for text that is none.
Result<std::vector<std::size_t>> parse_found(std::string_view text);

class SearchTask final : public eval::Task {
 public:
  /// `questions` are numbers into the set's, `n_documents` how many passages a prompt will have.
  SearchTask(std::shared_ptr<const QuestionSet> set,
             std::span<const std::size_t> questions,
             std::size_t n_documents);

  [[nodiscard]] const eval::TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return questions_.size(); }
  [[nodiscard]] eval::Sample sample(std::size_t index) const override;
  [[nodiscard]] eval::SampleResult score(const eval::Sample& sample,
                                         std::span<const eval::Response> responses) const override;

 private:
  std::shared_ptr<const QuestionSet> set_;
  std::vector<std::size_t> questions_;
  std::size_t n_documents_;
  eval::TaskInfo info_;
};

/// Passages that a task of this kind wants for a question.
std::size_t passages_wanted(const eval::TaskInfo& info);

}  // namespace nibble::rag
