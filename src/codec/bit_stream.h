/// Small codes packed without gaps: code i of a row fills bits [i * bits, (i + 1) * bits) of a
/// little-endian bit stream.
///
/// Shapes     codes [n], each below 2^bits;  bytes [packed_bytes(n, bits)]
/// Layout     bit j of the stream is bit j % 8 of byte j / 8; unused bits of the last byte are 0
///            and ignored when read
/// Requires   1 <= bits <= 8
/// Source     our own; bits = 4 puts even codes in the low nibble
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/checked_math.h"

namespace nibble::codec {

[[nodiscard]] constexpr std::size_t packed_bytes(std::size_t n, std::size_t bits) noexcept {
  return n / 8 * bits + ceil_div(n % 8 * bits, 8);
}

void pack_codes(std::span<const std::uint8_t> codes,
                std::size_t bits,
                std::span<std::uint8_t> bytes) noexcept;
void unpack_codes(std::span<const std::uint8_t> bytes,
                  std::size_t bits,
                  std::span<std::uint8_t> codes) noexcept;

}  // namespace nibble::codec
