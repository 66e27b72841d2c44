/// The printable spelling of bytes in byte-level vocabularies: "Ġthe" stands for " the".
///
/// Bytes that print stand for themselves; the other 68 are spelled U+0100 to U+0143 in byte order.
///
/// Threads    pure functions
/// Errors     none
/// Source     GPT-2's bytes_to_unicode
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nibble::text {

/// The bytes that `spelling` stands for; nullopt when it has a character that spells no byte.
[[nodiscard]] std::optional<std::string> bytes_of_spelling(std::string_view spelling);
[[nodiscard]] std::string spelling_of_bytes(std::string_view bytes);

}  // namespace nibble::text
