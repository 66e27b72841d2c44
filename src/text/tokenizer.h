/// Text to token ids and back, for every tokenizer family that we read.
///
/// Threads    immutable; `encode` and `decode` are reentrant
/// Errors     text that is not UTF-8 is kInvalidArgument with the byte offset; an id outside the
///            vocabulary is kInvalidArgument
/// Source     each family's header; ids equal those of the `tokenizers` and `sentencepiece`
///            packages
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/unicode/lossy.h"

namespace nibble::text {

using TokenId = std::int32_t;

struct SpecialTokens {
  std::optional<TokenId> bos, eos, pad, unknown;
  bool add_bos = false;  ///< what `encode` with AddSpecial::kYes does (in front)
  bool add_eos = false;  ///< likewise (behind); WordPiece adds [CLS] and [SEP] through its own rule
  std::vector<TokenId>
      end_of_generation;  ///< ids that end an answer (eos, <|im_end|>, <end_of_turn>, …)
};

enum class AddSpecial : std::uint8_t { kNo, kYes };
enum class SkipSpecial : std::uint8_t { kNo, kYes };

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Special-token text inside `text` is recognised (as the reference tokenizers do).
  [[nodiscard]] virtual Result<std::vector<TokenId>> encode(std::string_view text,
                                                            AddSpecial add_special) const = 0;
  [[nodiscard]] virtual Result<std::string> decode(std::span<const TokenId> ids,
                                                   SkipSpecial skip_special) const = 0;

  [[nodiscard]] virtual std::size_t vocab_size() const noexcept = 0;
  [[nodiscard]] virtual const SpecialTokens& special() const noexcept = 0;
  /// The raw bytes that a token adds to the output (may be part of a character); "" for special
  /// tokens.
  [[nodiscard]] virtual std::string token_bytes(TokenId id) const = 0;
  /// As token_bytes for a token that begins the output: SentencePiece and WordPiece drop its
  /// leading blank.
  [[nodiscard]] virtual std::string first_token_bytes(TokenId id) const { return token_bytes(id); }
  /// How many U+FFFD `decode` writes for malformed bytes.
  [[nodiscard]] virtual Malformed malformed_rule() const noexcept { return Malformed::kSequence; }
  /// The token's own spelling in the vocabulary, "<|im_end|>" or "Ġthe"; nullopt when out of range.
  [[nodiscard]] virtual std::optional<std::string_view> token_text(TokenId id) const = 0;
  /// SHA-256 over family, vocabulary, merges, settings and special tokens: equal hashes, equal ids
  /// and equal ends of an answer.
  [[nodiscard]] virtual std::string hash() const = 0;
};

/// Decodes token by token, giving out only whole characters. All that it gives, joined, is
/// `decode(ids, SkipSpecial::kYes)`.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  /// The text that became complete with `id`.
  std::string push(TokenId id);
  /// What is left at the end (malformed bytes as U+FFFD).
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  std::string pending_;  // bytes of an unfinished character
  bool at_start_ = true;
};

}  // namespace nibble::text
