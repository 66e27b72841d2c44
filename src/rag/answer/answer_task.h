/// Questions that a model answers from documents, as a task: the same machinery asks, stores and
/// compares them as any other.
///
/// Greedy decoding up to the end of the line. Questions come in the order of the set, or in one
/// shuffled by a fixed seed (neighbours of a set often share a passage); the first `limit` that fit
/// are asked, the others that were looked at are counted.
///
/// Threads    not reentrant: documents are searched for when a sample is asked for
/// Errors     Error(kInvalidArgument) where no question fits; those of context.h and question_set.h
/// Source     reference/evaluation.md 4
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "eval/task.h"
#include "rag/answer/answer_scores.h"
#include "rag/answer/context.h"
#include "rag/answer/question.h"

namespace nibble::rag {

/// Which questions of a set are asked.
struct QuestionChoice {
  std::size_t limit = 0;  ///< 0: all
  bool is_shuffled = true;
  /// Questions whose gold documents do not fit so many tokens are left out; 0: those that do not
  /// fit the budget. Tasks of one study share it, so that they ask the same questions.
  std::size_t least_budget = 0;
};

/// What asks: the tokenizer, and what the ranker looks into, must outlive the task.
struct AnswerParts {
  const text::Tokenizer& tokenizer;
  std::shared_ptr<PassageRanker> ranker{};  ///< nullptr: BM25 over the set
  PromptSettings prompt{};
  bool add_bos = false;
  std::size_t model_context = 2048;
  std::size_t max_answer = 0;       ///< tokens; 0: what the set says
  bool measures_attention = false;  ///< attention_record.h
};

class AnswerTask final : public eval::Task {
 public:
  AnswerTask(std::shared_ptr<const QuestionSet> set,
             const AnswerParts& parts,
             const ContextSettings& context,
             const QuestionChoice& choice);

  [[nodiscard]] const eval::TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return asked_.size(); }
  [[nodiscard]] eval::Sample sample(std::size_t index) const override;
  [[nodiscard]] eval::SampleResult score(const eval::Sample& sample,
                                         std::span<const eval::Response> responses) const override;

  /// The documents that a question is asked with.
  [[nodiscard]] Context context(std::size_t index) const;
  [[nodiscard]] const OpenQuestion& question(std::size_t index) const;
  /// Numbers of the questions that are asked, into the set's.
  [[nodiscard]] std::span<const std::size_t> asked() const noexcept { return asked_; }
  /// Questions that were looked at and do not fit.
  [[nodiscard]] std::size_t n_left_out() const noexcept { return n_left_out_; }

 private:
  void choose(const QuestionChoice& choice);
  [[nodiscard]] eval::TaskInfo describe(const AnswerParts& parts,
                                        const QuestionChoice& choice) const;

  std::shared_ptr<const QuestionSet> set_;
  std::shared_ptr<PassageRanker> ranker_;
  std::unique_ptr<ContextBuilder> builder_;
  std::size_t max_answer_;
  std::vector<std::size_t> asked_;  ///< into the set's questions
  std::size_t n_left_out_ = 0;
  bool counts_citations_;
  bool measures_attention_;
  eval::TaskInfo info_;
};

/// The ways in which one set is asked: a task for each budget and each slot.
struct ContextGrid {
  ContextMode mode = ContextMode::kGold;
  std::size_t n_documents = 0;
  std::vector<std::size_t> budgets{};  ///< tokens; none: what the model takes
  std::vector<std::size_t> slots{};    ///< of the gold document; none: by turns
  std::string retriever{};             ///< context.h
};

/// The tasks of a grid, slots of a budget together. All have one ranker and ask the same questions:
/// those that fit the least budget, whatever `choice` says of it.
std::vector<std::unique_ptr<AnswerTask>> answer_tasks(std::shared_ptr<const QuestionSet> set,
                                                      AnswerParts parts,
                                                      const ContextGrid& grid,
                                                      QuestionChoice choice);

/// "squad", "squad@1024", "nq gold 4 of 10", …: the set and what its documents are.
std::string answer_task_name(const QuestionSet& set, const ContextSettings& context);

}  // namespace nibble::rag
