/// The tasks of a study's [[rag]] tables: a task for each retriever, length and position, all of
/// one table over the same questions; and what the retrievers search for them.
///
/// Errors     those of the sets, contexts and encoders, headed by the table's set;
///            Error(kInvalidArgument) where a chat template is wanted and the model has none, where
///            prompts are longer than the model's context, or where two tasks have one name
/// Source     rag/answer
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eval/task.h"
#include "rag/answer/answer_task.h"
#include "store/store.h"
#include "study/answering_model.h"
#include "study/plan.h"
#include "study/search/found_passages.h"
#include "study/spec.h"

namespace nibble::study {

class AnswerTasks {
 public:
  /// `data` is the data folder.
  AnswerTasks(std::span<const RagSpec> specs,
              const std::filesystem::path& data,
              const AnsweringModel& model,
              std::span<const RetrieverSpec> retrievers = {});

  /// One line for each optional table whose data is not there.
  [[nodiscard]] const std::vector<std::string>& left_out() const noexcept { return left_out_; }

  /// They live no longer than this.
  [[nodiscard]] const std::vector<std::shared_ptr<const eval::Task>>& tasks() const noexcept {
    return tasks_;
  }

  /// What retrievers search for these tasks.
  [[nodiscard]] std::vector<std::shared_ptr<const StudySearch>> searches() const {
    return {searches_.begin(), searches_.end()};
  }
  /// From here on the tasks behind a retriever have the documents that it found, which the store
  /// has or will have; it must outlive the tasks.
  void read_found(const store::Store& store, const StudyPlan& plan) const;

 private:
  using TaskPointers = std::vector<std::unique_ptr<rag::AnswerTask>>;
  void add(const RagSpec& spec,
           const std::filesystem::path& data,
           const AnsweringModel& model,
           std::span<const RetrieverSpec> retrievers);
  void add_behind(const RetrieverSpec& retriever,
                  const std::shared_ptr<const rag::QuestionSet>& set,
                  rag::AnswerParts parts,
                  rag::ContextGrid grid,
                  const rag::QuestionChoice& choice);
  std::vector<std::string> take_tasks(TaskPointers tasks);
  StudySearch& search_of(const RetrieverSpec& retriever,
                         const std::shared_ptr<const rag::QuestionSet>& set);

  std::vector<std::shared_ptr<StudySearch>> searches_;
  /// By the task that reads from it.
  std::vector<std::pair<std::string, std::shared_ptr<FoundPassages>>> found_;
  std::optional<text::ChatTemplate> template_;
  std::vector<std::shared_ptr<const eval::Task>> tasks_;
  std::vector<std::string> left_out_;
};

/// Gives the samples that measure attention the answer that the reference gave, so that all models
/// read the same words; those that the store has no answer of stay without.
void force_reference_answers(std::span<eval::Sample> samples,
                             const store::Store& store,
                             std::string_view reference_unit);

}  // namespace nibble::study
