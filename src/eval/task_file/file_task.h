/// A task made of a task file and its data.
///
/// A task with subjects has the rows of all of them, subject by subject; a limit of n takes the
/// first n rows of each, as lm-eval does. All rows are rendered when the task is made, so that a
/// malformed one is told before anything is asked.
///
/// Errors     those of task_data.h, question.h and shots.h
/// Source     lm-evaluation-harness 0.4.13 `ConfigurableTask`
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "eval/task.h"
#include "eval/task_file/definition.h"

namespace nibble::eval {

struct FileTaskRequest {
  std::string name;                            ///< as asked: "mmlu_stem_5shot"
  std::vector<std::string> subjects;           ///< {""} for a task without subjects
  std::optional<std::size_t> n_shots;          ///< nullopt: the task's own number
  std::vector<std::filesystem::path> folders;  ///< where data are looked for, in order
  TaskOptions options;
};

std::unique_ptr<Task> make_file_task(std::shared_ptr<const TaskDefinition> task,
                                     const FileTaskRequest& request);

}  // namespace nibble::eval
