/// Character classes as the reference tokenizers see them, one table look-up for ASCII.
///
/// Precision  characters that utf8proc's Unicode version has and a reference's has not (BERT's
/// tables are
///            those of Unicode 9) may fall into other classes
/// Threads    pure functions
/// Errors     none
/// Source     Unicode general categories through utf8proc; `\s` is White_Space, as Oniguruma has it
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/utf8.h"

namespace nibble::text {

enum class CharClass : std::uint8_t { kOther, kLetter, kNumber, kSpace };

/// `\p{L}`, `\p{N}`, `\s`, or none of them.
[[nodiscard]] CharClass classify(char32_t value) noexcept;

/// A character at a position of a text, with what the scanners ask about it.
struct ScannedChar {
  char32_t value = 0;
  std::size_t n_bytes = 0;  ///< 0 behind the end of the text
  CharClass kind = CharClass::kOther;
};

namespace detail {
std::array<CharClass, 128> make_ascii_classes() noexcept;
inline const std::array<CharClass, 128> kAsciiClasses = make_ascii_classes();
}  // namespace detail

[[nodiscard]] inline ScannedChar scan_char(std::string_view text, std::size_t offset) noexcept {
  if (offset >= text.size()) {
    return {};
  }
  const auto byte = static_cast<unsigned char>(text[offset]);
  if (byte < 0x80) {
    return {byte, 1, detail::kAsciiClasses[byte]};
  }
  const utf8::CodePoint point = utf8::decode(text, offset);
  return {point.value, point.n_bytes, classify(point.value)};
}

/// `\w`: letters, marks, decimal digits, connector punctuation.
[[nodiscard]] bool is_word_char(char32_t value) noexcept;
/// Category Mn.
[[nodiscard]] bool is_nonspacing_mark(char32_t value) noexcept;
/// What BERT isolates: ASCII punctuation and categories P*.
[[nodiscard]] bool is_bert_punctuation(char32_t value) noexcept;
/// What BERT drops: categories Cc, Cf, Co except tab, newline, carriage return.
[[nodiscard]] bool is_bert_control(char32_t value) noexcept;
/// The blocks that BERT treats as Chinese characters.
[[nodiscard]] bool is_cjk(char32_t value) noexcept;

}  // namespace nibble::text
