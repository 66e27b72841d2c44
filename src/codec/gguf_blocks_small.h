/// The GGUF formats of 32 weights a block.
///
///   q4_0  d, qs[16]             w = d * (q - 8)
///   q4_1  d, m, qs[16]          w = d * q + m
///   q5_0  d, qh[4], qs[16]      w = d * (q - 16)
///   q5_1  d, m, qh[4], qs[16]   w = d * q + m
///   q8_0  d, int8 qs[32]        w = d * q
///
/// Layout     d, m: float16; byte j of qs: weight j in the low nibble, weight j + 16 in the high
///            one; bit j of qh: fifth bit of weight j
/// Source     docs/formats/gguf-blocks.md
#pragma once

#include "codec/block_codec.h"

namespace nibble::codec {

/// What a block stores; `pack` rounds d and m to float16.
struct SmallBlock {
  float d = 0.0F;
  float m = 0.0F;
  std::array<std::uint8_t, 32> codes{};
};

struct Q4_0 : BlockFormat<32, 18, 32, 4> {
  static constexpr std::string_view kName = "q4_0";
  static constexpr Levels kLevels = Levels::kCentred;
  static constexpr int kZero = 8;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SmallBlock& in, std::uint8_t* block) noexcept;
};

struct Q4_1 : BlockFormat<32, 20, 32, 4> {
  static constexpr std::string_view kName = "q4_1";
  static constexpr Levels kLevels = Levels::kAffine;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SmallBlock& in, std::uint8_t* block) noexcept;
};

struct Q5_0 : BlockFormat<32, 22, 32, 5> {
  static constexpr std::string_view kName = "q5_0";
  static constexpr Levels kLevels = Levels::kCentred;
  static constexpr int kZero = 16;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SmallBlock& in, std::uint8_t* block) noexcept;
};

struct Q5_1 : BlockFormat<32, 24, 32, 5> {
  static constexpr std::string_view kName = "q5_1";
  static constexpr Levels kLevels = Levels::kAffine;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SmallBlock& in, std::uint8_t* block) noexcept;
};

/// Codes are q + 128, so that they are unsigned.
struct Q8_0 : BlockFormat<32, 34, 32, 8> {
  static constexpr std::string_view kName = "q8_0";
  static constexpr Levels kLevels = Levels::kCentred;
  static constexpr int kZero = 128;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SmallBlock& in, std::uint8_t* block) noexcept;
};

/// Splits 16 bytes into 32 codes: low nibbles first, then high nibbles.
void split_nibbles_32(const std::uint8_t* qs, std::uint8_t* codes) noexcept;
/// Its inverse, for codes below 16.
void join_nibbles_32(const std::uint8_t* codes, std::uint8_t* qs) noexcept;

}  // namespace nibble::codec
