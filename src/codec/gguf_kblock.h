/// The GGUF "K" formats: super-blocks of 256 weights whose sub-blocks have small integer scales.
///
///   type   fields                                formula                            sub-block
///   q2_k   scales[16], qs[64], d, dmin           w = d * sc * q - dmin * mn         16 weights
///   q3_k   hmask[32], qs[64], scales[12], d      w = d * (sc - 32) * (q - 4)        16
///   q4_k   d, dmin, scales[12], qs[128]          w = d * sc * q - dmin * mn         32
///   q5_k   d, dmin, scales[12], qh[32], qs[128]  w = d * sc * q - dmin * mn         32
///   q6_k   ql[128], qh[64], int8 scales[16], d   w = d * sc * (q - 32)              16
///
/// `pack` is the inverse of `unpack_scales` and `unpack`; it rounds d and dmin to float16.
///
/// Layout     d, dmin: float16; the order of codes and the 6-bit scales:
///            docs/formats/gguf-blocks.md
/// Source     docs/formats/gguf-blocks.md
#pragma once

#include "codec/block_codec.h"

namespace nibble::codec {

struct Q2K : BlockFormat<256, 84, 16, 2> {
  static constexpr std::string_view kName = "q2_k";
  static constexpr Levels kLevels = Levels::kAffine;
  static void unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SuperBlock<kGroups>& in,
                   const std::uint8_t* codes,
                   std::uint8_t* block) noexcept;
};

struct Q3K : BlockFormat<256, 110, 16, 3> {
  static constexpr std::string_view kName = "q3_k";
  static constexpr Levels kLevels = Levels::kCentred;
  static constexpr int kZero = 4;
  static void unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SuperBlock<kGroups>& in,
                   const std::uint8_t* codes,
                   std::uint8_t* block) noexcept;
};

struct Q4K : BlockFormat<256, 144, 32, 4> {
  static constexpr std::string_view kName = "q4_k";
  static constexpr Levels kLevels = Levels::kAffine;
  static void unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SuperBlock<kGroups>& in,
                   const std::uint8_t* codes,
                   std::uint8_t* block) noexcept;
};

struct Q5K : BlockFormat<256, 176, 32, 5> {
  static constexpr std::string_view kName = "q5_k";
  static constexpr Levels kLevels = Levels::kAffine;
  static void unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SuperBlock<kGroups>& in,
                   const std::uint8_t* codes,
                   std::uint8_t* block) noexcept;
};

struct Q6K : BlockFormat<256, 210, 16, 6> {
  static constexpr std::string_view kName = "q6_k";
  static constexpr Levels kLevels = Levels::kCentred;
  static constexpr int kZero = 32;
  static void unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept;
  static void unpack(const std::uint8_t* block, Unpacked& out) noexcept;
  static void pack(const SuperBlock<kGroups>& in,
                   const std::uint8_t* codes,
                   std::uint8_t* block) noexcept;
};

}  // namespace nibble::codec
