/// Byte-pair encoding: the pair of neighbours with the lowest rank merges first, the leftmost of
/// equals.
///
/// Symbols start as single bytes (byte-level vocabularies) or characters (SentencePiece). A piece
/// that is itself a token is looked up whole once its own merges were seen to give exactly that
/// token. Short pieces scan for the lowest rank; long ones keep a heap, so n symbols cost O(n log
/// n).
///
/// Threads    `encode` is reentrant; what it remembers about whole pieces is the same whoever
///            computes it
/// Errors     none
/// Source     Sennrich et al. 2016; the order of merges is that of the `tokenizers` and
///            `sentencepiece` packages
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "text/vocab/merge_table.h"
#include "text/vocab/string_table.h"
#include "text/vocab/word_model.h"

namespace nibble::text {

struct BpeParts {
  StringIndex pieces;  ///< raw text (bytes, not their spelling) to id
  MergeTable merges;
  std::size_t n_ids = 0;
  /// Characters that are no token but begin merges; they have the ids from `n_ids` on inside
  /// `pieces` and `merges`.
  StringTable inner_characters;
  bool byte_symbols = false;   ///< symbols start as bytes; else as characters
  bool ignore_merges = false;  ///< a piece that is a token is that token, whatever its merges give
  bool fuse_unknown = false;   ///< neighbouring unknown characters become one unknown token
  std::optional<TokenId> unknown;
  /// Tokens for single bytes of characters that are no piece ("<0x0A>"); used when all bytes of one
  /// have theirs.
  std::array<TokenId, 256> byte_tokens = no_bytes();

  static constexpr std::array<TokenId, 256> no_bytes() {
    std::array<TokenId, 256> none{};
    none.fill(-1);
    return none;
  }
};

class Bpe final : public WordModel {
 public:
  explicit Bpe(BpeParts parts);
  void encode(std::string_view word, std::vector<TokenId>& ids) const override;

 private:
  enum class Whole : std::uint8_t { kNotSeen, kYes, kNo };

  void split_symbols(std::string_view word, std::vector<TokenId>& symbols) const;
  /// Appends what stands for a character without a token of its own.
  void add_fallback(std::string_view character, std::vector<TokenId>& symbols) const;
  void replace_inner_characters(std::vector<TokenId>& symbols) const;
  void merge(std::vector<TokenId>& symbols) const;
  void merge_short(std::vector<TokenId>& symbols) const;
  void merge_long(std::vector<TokenId>& symbols) const;

  BpeParts parts_;
  std::array<TokenId, 256> single_bytes_;  ///< pieces of one byte; -1 where there is none
  std::unique_ptr<std::atomic<Whole>[]> whole_;
};

}  // namespace nibble::text
