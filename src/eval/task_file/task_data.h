/// The rows of a task file, found below the data folder, with all columns that its templates use.
///
/// Errors     Error(kNotFound) names the folder and the files looked for; Error(kCorruptData)
///            "FILE: row N: reason"
/// Source     our own
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/rows.h"
#include "eval/task_file/definition.h"

namespace nibble::eval {

struct TaskRows {
  std::vector<data::Row> rows;
  std::string hash;
  std::filesystem::path path;
};

/// Of one subject ("" where the task has none).
struct TaskPart {
  std::string subject;
  TaskRows evaluated;
  TaskRows pool;  ///< examples; empty `path` where they are the evaluated rows or the task's own
  bool draws_from_evaluated = false;
};

/// `text` with the subject for "{subject}".
std::string with_subject(std::string text, const std::string& subject);

/// `folders` are tried in order; the pool is read where `n_shots` is above 0.
TaskPart read_part(const TaskDefinition& task,
                   const std::string& subject,
                   std::span<const std::filesystem::path> folders,
                   std::size_t n_shots);

}  // namespace nibble::eval
