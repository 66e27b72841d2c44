/// A template's source as tokens, white space around tags already dropped.
///
///   {{ expression }}   {% statement %}   {# comment #}
///
/// A "-" at a tag takes all white space on its side with it. With `trim_blocks` the line end behind
/// a statement or comment goes, with `lstrip_blocks` the blanks before one that begins its line; a
/// "+" at the tag keeps them.
///
/// Errors     kCorruptData "WHERE:LINE: reason"
/// Source     Jinja 3.1 lexer
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::text::jinja {

struct Syntax {
  bool trim_blocks = false;
  bool lstrip_blocks = false;
  bool keep_trailing_newline = false;  ///< otherwise one line end at the end of the source goes
};
/// What chat templates are written for (Transformers).
inline constexpr Syntax kChatSyntax{true, true, false};
/// What tasks are written for (lm-evaluation-harness).
inline constexpr Syntax kTaskSyntax{false, false, true};

enum class TokenKind : std::uint8_t {
  kText,
  kPrintBegin,
  kPrintEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kWhole,
  kNumber,
  kString,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  ///< of strings without quotes and escapes
  std::size_t line = 1;
};

/// `where` heads error messages.
std::vector<Token> lex(std::string_view source, const Syntax& syntax, std::string_view where);

}  // namespace nibble::text::jinja
