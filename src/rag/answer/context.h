/// Which documents stand in a question's prompt, and in which order.
///
///   gold       those that the answer stands in, and distractors: what else the set offers, then
///              other passages of the set by rank that have none of the answers
///   retrieved  the passages that a search gives, in its order; gold are those that the set says
///              are, or for passages from outside those that have an answer
///   oracle     the gold documents alone
///   closed     none
///
/// Documents are taken until the next would not fit the budget; that one is cut behind the last
/// sentence that fits. Gold documents are never cut: a question whose gold documents do not fit has
/// no context. They stand together, the first at `gold_slot`; without one, question i has them at a
/// depth of (i mod 5) / 4 of what is possible, so that no position is preferred and a question
/// keeps its depth whatever the length. Where neither number nor budget nor slot is given, the
/// documents are those of the set in its order.
///
/// Units      budgets in tokens of the whole prompt, without the answer
/// Threads    one at a time
/// Errors     Error(kInvalidArgument): a slot beyond the number of documents; those of prompt.h
/// Source     reference/evaluation.md 4.1, 4.5
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rag/answer/prompt.h"
#include "rag/answer/question.h"
#include "rag/answer/ranker.h"

namespace nibble::rag {

enum class ContextMode : std::uint8_t { kGold, kRetrieved, kOracle, kClosed };
/// kInvalidArgument with the names.
Result<ContextMode> context_mode_from_name(std::string_view name);
std::string_view context_mode_name(ContextMode mode) noexcept;

struct ContextSettings {
  ContextMode mode = ContextMode::kGold;
  std::size_t n_documents = 0;  ///< 0: as the set offers, or as many as fit
  std::size_t budget = 0;       ///< tokens; 0: what the model takes
  std::optional<std::size_t> gold_slot{};
  std::string retriever{};  ///< what searches, by name; "": BM25 over the set, or the index given
};
/// "gold", "retrieved", "retrieved by minilm"
std::string context_name(const ContextSettings& settings);

struct ContextDocument {
  SetPassage passage{};
  bool is_gold = false;
  bool is_cut = false;
  std::string name{};  ///< in an index
};

struct Context {
  std::vector<ContextDocument> documents;
  PromptText prompt;
  TokenizedPrompt tokens;
};

/// What a builder works with; all must outlive it.
struct ContextParts {
  const text::Tokenizer& tokenizer;
  PassageRanker& ranker;
  PromptSettings prompt{};
  bool add_bos = false;
  std::size_t most_tokens = 0;  ///< that a prompt may have, whatever the budget
};

class ContextBuilder {
 public:
  ContextBuilder(ContextParts parts, ContextSettings settings);

  /// `number` is the question's place among those asked. nullopt where the gold documents, or the
  /// question alone, do not fit.
  std::optional<Context> build(const QuestionSet& set,
                               const OpenQuestion& question,
                               std::size_t number);
  /// Whether the question fits the smaller of its budget and this one (0: its own) together with
  /// its gold documents. They count in every mode, so that all modes ask the same questions.
  [[nodiscard]] bool fits(const QuestionSet& set,
                          const OpenQuestion& question,
                          std::size_t budget) const;

  [[nodiscard]] const ContextSettings& settings() const noexcept { return settings_; }
  /// One line that says how documents were chosen.
  [[nodiscard]] std::string protocol() const;

 private:
  using Documents = std::vector<ContextDocument>;
  [[nodiscard]] std::size_t budget() const;
  [[nodiscard]] bool takes_offers_as_they_are() const;
  Documents needed(const QuestionSet& set, const OpenQuestion& question) const;
  Documents optional_ones(const QuestionSet& set, const OpenQuestion& question, std::size_t n_gold);
  Documents distractors(const QuestionSet& set, const OpenQuestion& question, std::size_t n);
  Documents retrieved(const OpenQuestion& question, std::size_t n);
  Context assemble(const OpenQuestion& question, Documents documents) const;
  std::size_t count(std::string_view text) const;
  std::size_t count_document(const ContextDocument& document, std::size_t number) const;
  void add_part(ContextDocument document, std::size_t room, Documents& out) const;
  std::size_t size_without_more(const OpenQuestion& question, const Context& least) const;
  Documents fill(const OpenQuestion& question, Context least, Documents more) const;
  [[nodiscard]] Documents placed(Documents documents, std::size_t number) const;

  ContextParts parts_;
  ContextSettings settings_;
};

/// Whether a passage has one of the answers, both normalised as SQuAD does, as whole words. "yes"
/// and "no" are in no passage.
bool has_answer(std::string_view text, const OpenQuestion& question);

}  // namespace nibble::rag
