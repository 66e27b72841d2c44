/// UTF-8: validation, code points, and the character classes that Python's str methods use.
///
/// Errors     none; malformed input decodes to U+FFFD one byte at a time
/// Source     RFC 3629; Unicode categories through utf8proc
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nibble::utf8 {

struct CodePoint {
  char32_t value;
  std::size_t n_bytes;  ///< 1 to 4; 1 for a malformed byte
  bool valid;
};

/// Decodes the code point that starts at `offset` (which must be inside `text`).
CodePoint decode(std::string_view text, std::size_t offset) noexcept;
void append(std::string& out, char32_t value);

/// Offset of the first byte that is not part of well-formed UTF-8 (no surrogates, no overlong
/// forms).
std::optional<std::size_t> first_invalid(std::string_view text) noexcept;
/// Number of code points (Python's len); malformed bytes count one each.
std::size_t length(std::string_view text) noexcept;
/// Length of the longest prefix that does not end inside a character.
std::size_t complete_prefix(std::string_view text) noexcept;

/// Python's str.isspace for one character.
bool is_space(char32_t value) noexcept;
/// Python's str.rstrip() and str.strip(): Unicode white space.
std::string_view rstrip(std::string_view text) noexcept;
std::string_view strip(std::string_view text) noexcept;

}  // namespace nibble::utf8
