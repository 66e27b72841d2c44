/// The makers of the tasks that are code; `tasks.cc` names them. Others are files (task_file/).
///
/// Errors     Error(kNotFound) for missing data, Error(kCorruptData) for malformed records
///            Error(kInvalidArgument) for a perplexity task without a tokenizer, or for a text
///            shorter than a window
/// Source     each maker's file
#pragma once

#include <memory>
#include <string>

#include "eval/task.h"

namespace nibble::eval {

/// What the name says beyond the row of the table.
struct TaskRequest {
  std::string name;  ///< as given: "choice:mine.jsonl"
  std::string file;  ///< "mine.jsonl"
  TaskOptions options;
};

std::unique_ptr<Task> make_squad(const TaskRequest& request);

std::unique_ptr<Task> make_wikitext_documents(const TaskRequest& request);
std::unique_ptr<Task> make_wikitext_stride(const TaskRequest& request);
std::unique_ptr<Task> make_wikitext_disjoint(const TaskRequest& request);

std::unique_ptr<Task> make_wikitext_divergence(const TaskRequest& request);

std::unique_ptr<Task> make_demo_perplexity(const TaskRequest& request);
std::unique_ptr<Task> make_demo_divergence(const TaskRequest& request);
std::unique_ptr<Task> make_demo_choice(const TaskRequest& request);
std::unique_ptr<Task> make_demo_reading(const TaskRequest& request);
std::unique_ptr<Task> make_demo_closed_book(const TaskRequest& request);

std::unique_ptr<Task> make_own_perplexity(const TaskRequest& request);
std::unique_ptr<Task> make_own_stride(const TaskRequest& request);
std::unique_ptr<Task> make_own_disjoint(const TaskRequest& request);
std::unique_ptr<Task> make_own_divergence(const TaskRequest& request);
std::unique_ptr<Task> make_own_choice(const TaskRequest& request);
std::unique_ptr<Task> make_own_reading(const TaskRequest& request);

}  // namespace nibble::eval
