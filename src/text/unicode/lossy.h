/// Bytes that may not be UTF-8 to text that is: malformed bytes become U+FFFD.
///
/// Errors     none
/// Source     kSequence: Unicode 15, section 3.9, "substitution of maximal subparts" (Rust's
/// from_utf8_lossy, Python's "replace");
///            kByte: what sentencepiece does with byte pieces
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nibble::text {

/// How many U+FFFD a malformed sequence becomes: one for each maximal part of a character, or one
/// for each byte.
enum class Malformed : std::uint8_t { kSequence, kByte };

void append_lossy(std::string& out, std::string_view bytes, Malformed rule);

/// As append_lossy for `bytes` that more bytes may follow: consumes whole characters and leaves an
/// unfinished one in `bytes`.
void append_complete(std::string& out, std::string& bytes, Malformed rule);

}  // namespace nibble::text
