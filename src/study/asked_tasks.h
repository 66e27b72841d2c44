/// The tasks of a study's [[task]] tables.
///
/// Errors     those of eval, headed by the task's name; Error(kInvalidArgument) for humaneval where
///            the command line does not allow generated code, for a chat with a model that has no
///            template, and where two tasks call themselves the same
/// Source     our own
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "eval/task.h"
#include "study/answering_model.h"
#include "study/spec.h"

namespace nibble::study {

class AskedTasks {
 public:
  AskedTasks(const Spec& spec, const AnsweringModel& model);

  /// They live no longer than this.
  [[nodiscard]] const std::vector<std::shared_ptr<const eval::Task>>& tasks() const noexcept {
    return tasks_;
  }

 private:
  std::unique_ptr<eval::Task> make(const TaskSpec& task,
                                   const Spec& spec,
                                   const AnsweringModel& model);

  std::optional<text::ChatTemplate> template_;
  std::vector<std::shared_ptr<const eval::Task>> tasks_;
};

}  // namespace nibble::study
