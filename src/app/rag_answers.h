/// The second form of `nibble rag eval`: a model's answers from documents, judged.
///
/// Source     our own
#pragma once

#include <string>
#include <vector>

#include "app/chat_option.h"
#include "app/rag_options.h"
#include "base/arithmetic.h"
#include "codec/kv/scheme.h"

namespace nibble::app {

struct AnswersChoice {
  std::vector<std::string> sets;
  std::string data = ".";
  std::string index;                 ///< documents come from there; "": from the set
  std::string context = "gold";      ///< ContextMode by name
  std::size_t n_documents = 0;       ///< 0: as the set offers, or as many as fit
  std::vector<std::size_t> budgets;  ///< a task each; none: what the model's context holds
  std::vector<std::size_t> gold_slots;
  std::size_t limit = 0;
  bool is_shuffled = true;
  std::size_t max_answer = 0;
  bool asks_citations = false;
  bool allows_abstention = false;
  bool shows_example = true;
  ChatChoice chat;
  std::string output;
  Arithmetic arithmetic = Arithmetic::kDeterministic;
  std::string device = "cpu";
  std::size_t device_memory = 0;  ///< 0: what is free
  const codec::KvScheme* kv = nullptr;
};

void add_answers_options(CLI::App& command, AnswersChoice& choice);

/// Judges `model`; `search` is how the index is searched, where there is one.
int judge_answers(const std::string& model,
                  const AnswersChoice& choice,
                  SearchChoice search,
                  const Globals& globals);

}  // namespace nibble::app
