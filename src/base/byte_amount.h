/// Amounts of memory as people write them: "8GiB", "500MB", "1.5 GB".
///
///   B, kB (or KB), MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB of 1024
///
/// Errors     nullopt for what is none: a number without a unit, below 0, or not finite
/// Source     our own
#pragma once

#include <optional>
#include <string_view>

namespace nibble {

/// In bytes.
std::optional<double> parse_byte_amount(std::string_view text);

}  // namespace nibble
