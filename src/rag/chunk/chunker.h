/// Cuts a text into passages: whole units (words, sentences, paragraphs) packed until a budget is
/// full, the last units repeated at the start of the next passage where an overlap is wanted.
///
/// A unit that alone exceeds the budget is cut into smaller ones: a paragraph into sentences, a
/// sentence into words, a word at a character. So every passage keeps to the budget. Sizes are the
/// sums over words, each measured alone; for WordPiece, which never looks across white space, that
/// is exactly the size of the passage, for other tokenizers it is close.
///
/// Written as "tokens:254:32", "words:100", "sentences:254:32", "paragraphs:254", "whole": unit,
/// budget, overlap. The budget is in tokens, for words in words; the overlap in what the budget is
/// in.
///
/// Layout     ranges ascend; each is a passage without white space at its ends
/// Errors     parse: kInvalidArgument with what is wanted
/// Source     our own; reference strategies: DPR's passages of 100 words, sentence packing
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "rag/chunk/units.h"

namespace nibble::rag {

enum class ChunkUnit : std::uint8_t { kWhole, kTokens, kWords, kSentences, kParagraphs };

struct ChunkSettings {
  ChunkUnit unit = ChunkUnit::kTokens;
  std::size_t budget = 254;  ///< MiniLM takes 256 with [CLS] and [SEP]
  std::size_t overlap = 32;

  static Result<ChunkSettings> parse(std::string_view text);
  [[nodiscard]] std::string text() const;  ///< as `parse` reads it
  /// The same with `size` less of the budget, for passages that something stands in front of; half
  /// of it is always left.
  [[nodiscard]] ChunkSettings beside(std::size_t size) const;
  bool operator==(const ChunkSettings&) const = default;
};

/// Tokens of a text on its own, without special ones.
using TokenCount = FunctionRef<std::size_t(std::string_view)>;

/// What a text takes of the budget; nothing of `whole`, which has none.
std::size_t size_in_budget(std::string_view text, ChunkUnit unit, TokenCount count);

std::vector<TextRange> chunk_text(std::string_view text,
                                  const ChunkSettings& settings,
                                  TokenCount count);

}  // namespace nibble::rag
