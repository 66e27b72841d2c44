#include "codec/bit_stream.h"

#include <algorithm>

namespace nibble::codec {
namespace {

/// Eight codes fill exactly `bits` bytes, so a row is a run of such words and one shorter tail.
constexpr std::size_t kCodesPerWord = 8;

void pack_word(std::span<const std::uint8_t> codes,
               std::size_t bits,
               std::span<std::uint8_t> bytes) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    word |= std::uint64_t{codes[i]} << (i * bits);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(word >> (8 * i));
  }
}

void unpack_word(std::span<const std::uint8_t> bytes,
                 std::size_t bits,
                 std::span<std::uint8_t> codes) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    word |= std::uint64_t{bytes[i]} << (8 * i);
  }
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<std::uint8_t>((word >> (i * bits)) & mask);
  }
}

}  // namespace

void pack_codes(std::span<const std::uint8_t> codes,
                std::size_t bits,
                std::span<std::uint8_t> bytes) noexcept {
  for (std::size_t i = 0, at = 0; i < codes.size(); i += kCodesPerWord, at += bits) {
    const std::size_t n = std::min(kCodesPerWord, codes.size() - i);
    pack_word(codes.subspan(i, n), bits, bytes.subspan(at, packed_bytes(n, bits)));
  }
}

void unpack_codes(std::span<const std::uint8_t> bytes,
                  std::size_t bits,
                  std::span<std::uint8_t> codes) noexcept {
  if (bits == 8) {
    std::ranges::copy(bytes.first(codes.size()), codes.begin());
    return;
  }
  for (std::size_t i = 0, at = 0; i < codes.size(); i += kCodesPerWord, at += bits) {
    const std::size_t n = std::min(kCodesPerWord, codes.size() - i);
    unpack_word(bytes.subspan(at, packed_bytes(n, bits)), bits, codes.subspan(i, n));
  }
}

}  // namespace nibble::codec
