#include "rag/answer/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "eval/metrics/reading.h"
#include "eval/request_encoder.h"

namespace nibble::rag {
namespace {

using Documents = std::vector<ContextDocument>;

/// In the order of ContextMode.
constexpr std::array<std::string_view, 4> kModeNames = {"gold", "retrieved", "oracle", "closed"};
constexpr std::size_t kUsualRetrieved = 10;
/// Distractors come from so many of the best passages, then from the set in its order.
constexpr std::size_t kRankedDistractors = 200;
constexpr std::size_t kDepths = 5;
/// Tokens that no document with its header is below.
constexpr std::size_t kLeastDocument = 12;

ContextDocument document_of(const QuestionSet& set, const Offer& offer) {
  return {set.passages[offer.passage], offer.is_gold};
}

std::vector<PromptDocument> prompt_documents(const Documents& documents) {
  std::vector<PromptDocument> out;
  for (const ContextDocument& document : documents) {
    out.push_back({document.passage.title, document.passage.text});
  }
  return out;
}

/// Passages without text are no documents: nothing could be read or looked at.
bool is_blank(const SetPassage& passage) {
  return utf8::strip(passage.text).empty();
}

bool is_gold(const OpenQuestion& question, std::size_t passage) {
  return std::ranges::any_of(question.offers, [passage](const Offer& offer) {
    return offer.passage == passage && offer.is_gold;
  });
}

}  // namespace

Result<ContextMode> context_mode_from_name(std::string_view name) {
  const auto* found = std::ranges::find(kModeNames, name);
  if (found == kModeNames.end()) {
    return fail(ErrorCode::kInvalidArgument,
                "context '{}', wanted gold, retrieved, oracle or closed",
                name);
  }
  return static_cast<ContextMode>(found - kModeNames.begin());
}

std::string_view context_mode_name(ContextMode mode) noexcept {
  return kModeNames[static_cast<std::size_t>(mode)];
}

std::string context_name(const ContextSettings& settings) {
  const std::string_view mode = context_mode_name(settings.mode);
  return settings.retriever.empty() ? std::string(mode)
                                    : fmt::format("{} by {}", mode, settings.retriever);
}

bool has_answer(std::string_view text, const OpenQuestion& question) {
  const std::string words = fmt::format(" {} ", eval::normalize_answer(text));
  return std::ranges::any_of(question.answers, [&words](const std::string& answer) {
    const std::string wanted = eval::normalize_answer(answer);
    return !wanted.empty() && wanted != "yes" && wanted != "no" &&
           words.find(fmt::format(" {} ", wanted)) != std::string::npos;
  });
}

ContextBuilder::ContextBuilder(ContextParts parts, ContextSettings settings)
    : parts_(std::move(parts)), settings_(settings) {
  const std::size_t n = settings_.n_documents;
  if (settings_.gold_slot && n > 0 && *settings_.gold_slot >= n) {
    raise(ErrorCode::kInvalidArgument,
          "gold position {} among {} documents, wanted one from 0 to {}",
          *settings_.gold_slot,
          n,
          n - 1);
  }
}

std::size_t ContextBuilder::budget() const {
  return settings_.budget == 0 ? parts_.most_tokens
                               : std::min(settings_.budget, parts_.most_tokens);
}

bool ContextBuilder::takes_offers_as_they_are() const {
  return settings_.mode == ContextMode::kGold && settings_.n_documents == 0 &&
         settings_.budget == 0 && !settings_.gold_slot;
}

Documents ContextBuilder::needed(const QuestionSet& set, const OpenQuestion& question) const {
  Documents out;
  if (settings_.mode == ContextMode::kGold || settings_.mode == ContextMode::kOracle) {
    for (const Offer& offer : question.offers) {
      if (is_blank(set.passages[offer.passage])) {
        continue;
      }
      if (offer.is_gold || takes_offers_as_they_are()) {
        out.push_back(document_of(set, offer));
      }
    }
  }
  return out;
}

/// What else the set offers, then by rank, then whatever there is.
Documents ContextBuilder::distractors(const QuestionSet& set,
                                      const OpenQuestion& question,
                                      std::size_t n) {
  Documents out;
  std::vector<bool> is_taken(set.passages.size());
  for (const Offer& offer : question.offers) {
    is_taken[offer.passage] = true;
    if (!offer.is_gold && out.size() < n && !is_blank(set.passages[offer.passage])) {
      out.push_back(document_of(set, offer));
    }
  }
  const auto take = [&](std::size_t passage) {
    if (!is_taken[passage] && !is_blank(set.passages[passage]) &&
        !has_answer(set.passages[passage].text, question)) {
      out.push_back({set.passages[passage]});
    }
    is_taken[passage] = true;
  };
  if (out.size() < n) {
    for (const RankedPassage& ranked : parts_.ranker.best(question.question, kRankedDistractors)) {
      if (ranked.of_set && out.size() < n) {
        take(*ranked.of_set);
      }
    }
  }
  for (std::size_t i = 0; i < set.passages.size() && out.size() < n; ++i) {
    take(i);
  }
  return out;
}

Documents ContextBuilder::retrieved(const OpenQuestion& question, std::size_t n) {
  Documents out;
  for (RankedPassage& ranked : parts_.ranker.best(question.question, n)) {
    const bool gold = ranked.of_set ? is_gold(question, *ranked.of_set)
                                    : has_answer(ranked.passage.text, question);
    out.push_back({std::move(ranked.passage), gold, false, std::move(ranked.document)});
  }
  return out;
}

/// In the order in which they are taken while there is room.
Documents ContextBuilder::optional_ones(const QuestionSet& set,
                                        const OpenQuestion& question,
                                        std::size_t n_gold) {
  const bool is_by_number = settings_.n_documents > 0;
  if (settings_.mode == ContextMode::kRetrieved) {
    const std::size_t usual = settings_.budget > 0 ? kRankedDistractors : kUsualRetrieved;
    return retrieved(question, is_by_number ? settings_.n_documents : usual);
  }
  if (settings_.mode != ContextMode::kGold || takes_offers_as_they_are()) {
    return {};
  }
  if (!is_by_number && settings_.budget == 0) {  // a slot among what the set offers
    return distractors(set, question, question.offers.size() - n_gold);
  }
  const std::size_t most = is_by_number ? settings_.n_documents : budget() / kLeastDocument + 1;
  return distractors(set, question, most - std::min(most, n_gold));
}

Context ContextBuilder::assemble(const OpenQuestion& question, Documents documents) const {
  Context out;
  out.prompt = build_prompt(question.question, prompt_documents(documents), parts_.prompt);
  out.tokens = tokenize_prompt(out.prompt, parts_.tokenizer, parts_.add_bos).take();
  out.documents = std::move(documents);
  return out;
}

std::size_t ContextBuilder::count(std::string_view text) const {
  return eval::encode_with_bos(parts_.tokenizer, text, false).size();
}

/// With its header.
std::size_t ContextBuilder::count_document(const ContextDocument& document,
                                           std::size_t number) const {
  return count(document_header(number, document.passage.title) + document.passage.text + "\n\n");
}

/// As many first sentences as fit; none where not one does.
void ContextBuilder::add_part(ContextDocument document, std::size_t room, Documents& out) const {
  const std::string text = document.passage.text;
  const std::vector<TextRange> sentences = split_sentences(text);
  document.is_cut = true;
  for (std::size_t n = sentences.size(); n-- > 1;) {
    document.passage.text = text.substr(0, sentences[n - 1].end);
    if (count_document(document, out.size() + 1) <= room) {
      out.push_back(std::move(document));
      return;
    }
  }
}

/// Tokens of the prompt before more documents come; without any it would be another prompt.
std::size_t ContextBuilder::size_without_more(const OpenQuestion& question,
                                              const Context& least) const {
  if (!least.documents.empty()) {
    return least.tokens.tokens.size();
  }
  const ContextDocument nothing;
  return assemble(question, {nothing}).tokens.tokens.size() - count_document(nothing, 1);
}

Documents ContextBuilder::fill(const OpenQuestion& question, Context least, Documents more) const {
  std::size_t used = size_without_more(question, least);
  Documents out = std::move(least.documents);
  for (ContextDocument& document : more) {
    const std::size_t size = count_document(document, out.size() + 1);
    const std::size_t room = budget() - std::min(budget(), used);
    if (size > room) {
      add_part(std::move(document), room, out);
      break;
    }
    out.push_back(std::move(document));
    used += size;
  }
  return out;
}

/// Gold documents together, the others around them in their order.
Documents ContextBuilder::placed(Documents documents, std::size_t number) const {
  if (settings_.mode != ContextMode::kGold || takes_offers_as_they_are()) {
    return documents;
  }
  const auto others = std::ranges::stable_partition(
      documents, [](const ContextDocument& document) { return document.is_gold; });
  const std::size_t n_others = others.size();
  const std::size_t spread =
      (n_others * (number % kDepths) + (kDepths - 1) / 2) / (kDepths - 1);  // rounded
  const std::size_t slot = std::min(settings_.gold_slot.value_or(spread), n_others);
  const auto first_other = others.begin();
  std::rotate(documents.begin(), first_other, first_other + static_cast<std::ptrdiff_t>(slot));
  return documents;
}

std::optional<Context> ContextBuilder::build(const QuestionSet& set,
                                             const OpenQuestion& question,
                                             std::size_t number) {
  Context least = assemble(question, needed(set, question));
  if (least.tokens.tokens.size() > budget()) {
    return std::nullopt;
  }
  const std::size_t n_needed = least.documents.size();
  Documents documents = fill(question, std::move(least), optional_ones(set, question, n_needed));
  while (true) {
    Context out = assemble(question, placed(documents, number));
    if (out.tokens.tokens.size() <= budget() || documents.size() == n_needed) {
      return out;  // sizes were added up; a border between documents may cost a token more
    }
    documents.pop_back();
  }
}

bool ContextBuilder::fits(const QuestionSet& set,
                          const OpenQuestion& question,
                          std::size_t budget) const {
  Documents least = needed(set, question);
  if (least.empty()) {
    for (const Offer& offer : question.offers) {
      if (offer.is_gold) {
        least.push_back(document_of(set, offer));
      }
    }
  }
  const std::size_t most = budget == 0 ? this->budget() : std::min(budget, this->budget());
  return assemble(question, std::move(least)).tokens.tokens.size() <= most;
}

std::string ContextBuilder::protocol() const {
  std::string out = fmt::format("context {}", context_mode_name(settings_.mode));
  if (settings_.n_documents > 0) {
    out += fmt::format(", {} documents", settings_.n_documents);
  }
  if (settings_.budget > 0) {
    out += fmt::format(", prompts of at most {} tokens", settings_.budget);
  }
  if (settings_.mode == ContextMode::kGold && !takes_offers_as_they_are()) {
    out += settings_.gold_slot ? fmt::format(", gold at {}", *settings_.gold_slot)
                               : std::string(", gold at depths of 0 to 1 by turns");
  }
  const bool is_ranked = settings_.mode == ContextMode::kRetrieved ||
                         (settings_.mode == ContextMode::kGold && !takes_offers_as_they_are());
  return is_ranked ? out + ", by " + parts_.ranker.protocol() : out;
}

}  // namespace nibble::rag
