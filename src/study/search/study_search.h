/// One retriever over the passages of one set: what a study judges beside its models.
///
/// In a plan and in the store it is a variant like the models', with a unit for each list of
/// questions that is searched for and one for its speed; its recipe has the name that no recipe of
/// a model has.
///
/// Source     our own; docs/decisions/0035-retrievers-in-studies.md
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "eval/task.h"
#include "rag/answer/question.h"
#include "rag/answer/set_search.h"

namespace nibble::study {

/// A list of questions, and the tasks whose documents its passages are, by name.
struct SearchedQuestions {
  std::shared_ptr<const eval::Task> task;  ///< a rag::SearchTask
  std::vector<std::string> readers{};
};

struct StudySearch {
  std::string name;  ///< "minilm-int4 over squad"
  rag::SetSearchSettings settings;
  std::string encoder_hash;  ///< "": no encoder
  std::shared_ptr<const rag::QuestionSet> set;
  std::vector<SearchedQuestions> searches{};
};

}  // namespace nibble::study
