/// One row of a data set, rendered through a task's templates.
///
/// Errors     Error(kCorruptData) "FILE: row N: reason" where a template cannot be rendered with
///            the row, or gives something else than the task's kind wants
/// Source     lm-evaluation-harness 0.4.13 doc_to_text, doc_to_choice, doc_to_target
#pragma once

#include <string>
#include <vector>

#include "eval/task_file/definition.h"

namespace nibble::eval {

struct Question {
  std::string id;
  std::string text;                   ///< "" where there are `contexts`
  std::vector<std::string> choices;   ///< of a choice; without the delimiter
  std::vector<std::string> contexts;  ///< of a choice that scores one continuation behind several
  std::string continuation;
  std::vector<bool> is_right;        ///< for each of `choices` or `contexts`
  std::vector<std::string> targets;  ///< of other kinds: any is right; the first is shown
  text::jinja::Value target;         ///< as the template gave it
  std::string document{};            ///< the row as JSON
};

/// `row` is a dictionary; `where` heads error messages.
Question render_question(const TaskDefinition& task,
                         const text::jinja::Value& row,
                         std::string_view where);

/// A solved example.
struct Shot {
  std::string question;
  std::string answer;  ///< "" puts neither delimiter nor answer behind the question
};
Shot render_shot(const TaskDefinition& task, const text::jinja::Value& row, std::string_view where);

}  // namespace nibble::eval
