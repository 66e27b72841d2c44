/// The tasks of a study's [[rag]] tables: a task for each length and position, all of one table
/// over the same questions.
///
/// Errors     those of the sets and contexts, headed by the table's set; Error(kInvalidArgument)
///            where a chat template is wanted and the model has none, where prompts are longer than
///            the model's context, or where two tasks have one name
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
#include "study/spec.h"

namespace nibble::study {

class AnswerTasks {
 public:
  /// `data` is the data folder.
  AnswerTasks(std::span<const RagSpec> specs,
              const std::filesystem::path& data,
              const AnsweringModel& model);

  /// One line for each optional table whose data is not there.
  [[nodiscard]] const std::vector<std::string>& left_out() const noexcept { return left_out_; }

  /// They live no longer than this.
  [[nodiscard]] const std::vector<std::shared_ptr<const eval::Task>>& tasks() const noexcept {
    return tasks_;
  }

 private:
  void add(const RagSpec& spec, const std::filesystem::path& data, const AnsweringModel& model);

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
