/// The one tokenizer class: special tokens, normaliser, pre-tokenizer and word model, put together
/// by the readers.
///
///   encode: text -> written tokens -> normalise -> normalised tokens -> split into words
///           -> word model -> ids
///   decode: ids -> bytes of each token -> text
///
/// Threads    immutable; reentrant
/// Errors     as tokenizer.h
/// Source     the pipeline of the `tokenizers` package
#pragma once

#include <string>
#include <vector>

#include "text/split/added_tokens.h"
#include "text/split/pre_tokenizer.h"
#include "text/tokenizer.h"
#include "text/unicode/normalizer.h"
#include "text/vocab/string_table.h"
#include "text/vocab/word_model.h"

namespace nibble::text {

struct PipelineParts {
  StringTable spellings;         ///< by id, as the vocabulary writes them
  StringTable pieces;            ///< by id, the bytes that a token adds behind others
  std::vector<bool> is_special;  ///< by id

  AddedTokens written_tokens;  ///< found in the text as it comes
  Normalizer normalizer;
  AddedTokens normalized_tokens;  ///< found after normalising
  PreTokenizer pre_tokenizer;
  std::unique_ptr<const WordModel> model;

  std::vector<TokenId> prefix, suffix;  ///< what AddSpecial::kYes puts around the ids
  SpecialTokens special;

  Malformed malformed = Malformed::kSequence;
  bool drops_first_blank = false;
  std::string continuation_mark;  ///< "##": a first token that has it is spelled out
  std::string hash;  ///< of what the reader read; the tokenizer adds prefix, suffix and `special`
};

class PipelineTokenizer final : public Tokenizer {
 public:
  /// `spellings`, `pieces` and `is_special` have equal sizes; all ids are inside them.
  explicit PipelineTokenizer(PipelineParts parts);

  [[nodiscard]] Result<std::vector<TokenId>> encode(std::string_view text,
                                                    AddSpecial add_special) const override;
  [[nodiscard]] Result<std::string> decode(std::span<const TokenId> ids,
                                           SkipSpecial skip_special) const override;
  [[nodiscard]] std::size_t vocab_size() const noexcept override;
  [[nodiscard]] const SpecialTokens& special() const noexcept override { return parts_.special; }
  [[nodiscard]] std::string token_bytes(TokenId id) const override;
  [[nodiscard]] std::string first_token_bytes(TokenId id) const override;
  [[nodiscard]] Malformed malformed_rule() const noexcept override { return parts_.malformed; }
  [[nodiscard]] std::optional<std::string_view> token_text(TokenId id) const override;
  [[nodiscard]] std::string hash() const override { return parts_.hash; }

 private:
  void encode_segment(std::string_view segment, bool at_start, std::vector<TokenId>& ids) const;
  [[nodiscard]] bool is_special(TokenId id) const;
  [[nodiscard]] std::string_view first_piece(TokenId id) const;

  PipelineParts parts_;
};

/// Fills special.end_of_generation: eos, and every special token that ends a turn by name.
void find_end_of_generation(PipelineParts& parts);

/// "<|im_end|>", "<end_of_turn>", …: tokens that end an answer wherever they are in a vocabulary.
[[nodiscard]] bool ends_a_turn(std::string_view spelling) noexcept;

}  // namespace nibble::text
