/// The makers of the built-in tasks; `tasks.cc` names them.
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
  std::string name;         ///< as given: "arc_easy_5shot", "choice:mine.jsonl"
  std::string file;         ///< "mine.jsonl"
  std::size_t n_shots = 0;  ///< 5
  TaskOptions options;
};

std::unique_ptr<Task> make_arc(const TaskRequest& request, std::string_view folder);
std::unique_ptr<Task> make_hellaswag(const TaskRequest& request);
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
