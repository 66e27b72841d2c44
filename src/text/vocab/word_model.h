/// How one piece of pre-split text becomes ids: byte-pair merges or WordPiece.
///
/// Threads    `encode` is reentrant
/// Errors     none: what no token covers becomes the unknown token or nothing
#pragma once

#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace nibble::text {

class WordModel {
 public:
  virtual ~WordModel() = default;
  /// Appends the ids of `word`.
  virtual void encode(std::string_view word, std::vector<TokenId>& ids) const = 0;
};

}  // namespace nibble::text
