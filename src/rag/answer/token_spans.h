/// Which tokens of a prompt stand for which part of its text.
///
/// The bytes of the tokens are laid along the text. A token that straddles a border belongs to the
/// part that owns its first byte (rule C1). A token without bytes of its own (BOS in front, a
/// dummy blank) begins where it stands.
///
/// Layout     `begins` ascends, one byte offset a token
/// Threads    pure functions
/// Errors     kUnsupported "token 12: …" where the tokenizer changed the text (normalised forms, an
///            unknown token), so that there are no offsets
/// Source     reference/evaluation.md 4.1
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rag/chunk/units.h"
#include "text/tokenizer.h"

namespace nibble::rag {

/// Half open, in tokens.
struct TokenRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const TokenRange&) const = default;
};

/// The byte of `text` at which each of its tokens begins.
Result<std::vector<std::size_t>> token_begins(const text::Tokenizer& tokenizer,
                                              std::span<const text::TokenId> tokens,
                                              std::string_view text);

/// The tokens whose first byte lies in `bytes`.
TokenRange tokens_within(std::span<const std::size_t> begins, TextRange bytes);

}  // namespace nibble::rag
