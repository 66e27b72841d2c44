/// The GGUF formats on a fixed table of sixteen levels.
///
///   type     fields                               formula                        scaled together
///   iq4_nl   d, qs[16]                            w = d * level[q]               32, a block
///   iq4_xs   d, scales_h (u16), scales_l[4],      w = d * (sc - 32) * level[q]   32 of the 256
///            qs[128]                                                             of a block
///
/// Layout     d: float16; 16 bytes hold 32 weights, low nibbles first; docs/formats/gguf-blocks.md
/// Source     docs/formats/gguf-blocks.md
#pragma once

#include "codec/block_codec.h"

namespace nibble::codec {

inline constexpr std::array<float, 16> kIq4Levels = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// What a block stores; `pack` rounds d to float16. Scales are -32 … 31, and none in iq4_nl.
template <std::size_t kGroups>
struct Iq4Block {
  float d = 0.0F;
  std::array<std::int8_t, kGroups> scales{};
  std::array<std::uint8_t, 32 * kGroups> codes{};
};

struct Iq4Nl : BlockFormat<32, 18, 32, 4> {
  static constexpr std::string_view kName = "iq4_nl";
  static constexpr Levels kLevels = Levels::kCodebook;
  static constexpr std::array<float, 16> kCodebook = kIq4Levels;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const Iq4Block<kGroups>& in, std::uint8_t* block) noexcept;
};

struct Iq4Xs : BlockFormat<256, 136, 32, 4> {
  static constexpr std::string_view kName = "iq4_xs";
  static constexpr Levels kLevels = Levels::kCodebook;
  static constexpr std::array<float, 16> kCodebook = kIq4Levels;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const Iq4Block<kGroups>& in, std::uint8_t* block) noexcept;
};

}  // namespace nibble::codec
