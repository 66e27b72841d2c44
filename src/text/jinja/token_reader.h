/// A walk over tokens with what both halves of the parser ask of it.
///
/// Errors     Error(kCorruptData) "WHERE:LINE: reason"
/// Source     our own
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/jinja/lexer.h"

namespace nibble::text::jinja {

class TokenReader {
 public:
  TokenReader(const std::vector<Token>& tokens, std::string_view where)
      : tokens_(tokens), where_(where) {}

  [[nodiscard]] const Token& peek(std::size_t offset = 0) const {
    return tokens_[std::min(at_ + offset, tokens_.size() - 1)];
  }
  const Token& next() {
    const Token& token = peek();
    at_ += at_ + 1 < tokens_.size() ? 1 : 0;
    return token;
  }
  [[nodiscard]] bool is(TokenKind kind) const { return peek().kind == kind; }
  [[nodiscard]] bool is_operator(std::string_view text, std::size_t offset = 0) const {
    return peek(offset).kind == TokenKind::kOperator && peek(offset).text == text;
  }
  [[nodiscard]] bool is_name(std::string_view text, std::size_t offset = 0) const {
    return peek(offset).kind == TokenKind::kName && peek(offset).text == text;
  }
  bool take_operator(std::string_view text) {
    const bool found = is_operator(text);
    at_ += found ? 1 : 0;
    return found;
  }
  bool take_name(std::string_view text) {
    const bool found = is_name(text);
    at_ += found ? 1 : 0;
    return found;
  }
  void want_operator(std::string_view text) {
    if (!take_operator(text)) {
      reject(fmt::format("wanted '{}' before '{}'", text, peek().text));
    }
  }
  std::string want_name() {
    if (!is(TokenKind::kName)) {
      reject(fmt::format("wanted a name before '{}'", peek().text));
    }
    return next().text;
  }
  void want(TokenKind kind, std::string_view what) {
    if (!is(kind)) {
      reject(fmt::format("wanted {} before '{}'", what, peek().text));
    }
    next();
  }
  [[noreturn]] void reject(std::string_view reason) const {
    raise(ErrorCode::kCorruptData, "{}:{}: {}", where_, peek().line, reason);
  }

 private:
  const std::vector<Token>& tokens_;
  std::string_view where_;
  std::size_t at_ = 0;
};

}  // namespace nibble::text::jinja
