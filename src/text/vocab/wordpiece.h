/// WordPiece: from the left, the longest token that fits; a word with a part that no token covers
/// is one unknown token.
///
/// Threads    `encode` is reentrant
/// Errors     none
/// Source     Wu et al. 2016; the WordPiece model of the `tokenizers` package
#pragma once

#include "text/vocab/string_table.h"
#include "text/vocab/word_model.h"

namespace nibble::text {

struct WordPieceParts {
  StringIndex starts;         ///< tokens that begin a word
  StringIndex continuations;  ///< tokens inside a word, without their "##"
  TokenId unknown = 0;
  std::size_t max_word_chars = 100;  ///< longer words are unknown
  std::size_t longest_token_bytes = 0;
};

class WordPiece final : public WordModel {
 public:
  explicit WordPiece(WordPieceParts parts) : parts_(std::move(parts)) {}
  void encode(std::string_view word, std::vector<TokenId>& ids) const override;

 private:
  WordPieceParts parts_;
};

}  // namespace nibble::text
