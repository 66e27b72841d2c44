#include "rag/answer/token_spans.h"

#include <algorithm>
#include <string>

namespace nibble::rag {
namespace {

/// Bytes of the text that the token stands for at `at`; nullopt where it does not stand there.
std::optional<std::size_t> length_at(std::string_view text,
                                     std::size_t at,
                                     std::string_view token) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with(token)) {
    return token.size();
  }
  // SentencePiece puts a blank in front of a text, and behind special tokens.
  const bool has_own_blank = token.starts_with(' ');
  if (has_own_blank && rest.starts_with(token.substr(1))) {
    return token.size() - 1;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::size_t>> token_begins(const text::Tokenizer& tokenizer,
                                              std::span<const text::TokenId> tokens,
                                              std::string_view text) {
  std::vector<std::size_t> begins;
  std::size_t at = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    begins.push_back(at);
    std::string bytes = tokenizer.token_bytes(tokens[i]);
    if (bytes.empty()) {  // a special token: in the text as it is spelled, or not at all
      const std::string_view spelled = tokenizer.token_text(tokens[i]).value_or("");
      at += text.substr(at).starts_with(spelled) ? spelled.size() : 0;
      continue;
    }
    const std::optional<std::size_t> length = length_at(text, at, bytes);
    if (!length) {
      return fail(ErrorCode::kUnsupported,
                  "token {}: the tokenizer has '{}' where the text has '{}', so what is written "
                  "where cannot be told",
                  i,
                  bytes,
                  text.substr(at, bytes.size()));
    }
    at += *length;
  }
  if (at != text.size()) {
    return fail(ErrorCode::kUnsupported,
                "the tokens end at byte {} of a text of {}: the tokenizer changes the text",
                at,
                text.size());
  }
  return begins;
}

TokenRange tokens_within(std::span<const std::size_t> begins, TextRange bytes) {
  const auto index = [&begins](std::size_t byte) {
    return static_cast<std::size_t>(std::ranges::lower_bound(begins, byte) - begins.begin());
  };
  return {index(bytes.begin), index(bytes.end)};
}

}  // namespace nibble::rag
