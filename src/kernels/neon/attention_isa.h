/// The registers of NEON as the kernels that are written once for all instruction sets name them
/// (coded_tile.h, mass_tile.h).
///
/// Everything is in an unnamed namespace: each file compiles its own copy.
///
/// Source     our own
#pragma once

#include <algorithm>

#include "kernels/coded_rows.h"
#include "kernels/neon/attention_tile.h"

namespace nibble::kernels::neon {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

struct Isa {
  static constexpr std::size_t kLanes = neon::kLanes;
  static constexpr std::size_t kTile = kKeyTile;
  static constexpr int kRowBlock = neon::kRowBlock;
  using Tile = neon::Tile;

  static float32x4_t all(float x) noexcept { return vdupq_n_f32(x); }
  static float32x4_t load(const float* x) noexcept { return vld1q_f32(x); }
  static void store(float* y, float32x4_t x) noexcept { vst1q_f32(y, x); }
  static float32x4_t multiply(float32x4_t a, float32x4_t b) noexcept { return vmulq_f32(a, b); }
  static float32x4_t multiply_add(float32x4_t a, float32x4_t b, float32x4_t c) noexcept {
    return vfmaq_f32(c, a, b);
  }
  static float32x4_t multiply_subtract(float32x4_t a, float32x4_t b, float32x4_t c) noexcept {
    return vfmaq_f32(vnegq_f32(c), a, b);
  }
  static float32x4_t floats(uint32x4_t codes) noexcept { return vcvtq_f32_u32(codes); }

  /// Codes [index, index + 4); each 8 fill B bytes.
  template <std::size_t B>
  static uint32x4_t codes(const std::uint8_t* bytes, std::size_t index) noexcept {
    if constexpr (B == 8) {
      const auto four = vreinterpret_u8_u32(vdup_n_u32(load_item<std::uint32_t>(bytes + index, 0)));
      return vmovl_u16(vget_low_u16(vmovl_u8(four)));
    } else {
      constexpr int b = static_cast<int>(B);
      const std::int32_t steps[kLanes] = {0, -b, -2 * b, -3 * b};
      const int first = static_cast<int>(index % 8) * b;
      const auto word = vdupq_n_u32(load_item<std::uint32_t>(bytes + index / 8 * B, 0) >> first);
      return vandq_u32(vshlq_u32(word, vld1q_s32(steps)), vdupq_n_u32((1U << B) - 1U));
    }
  }

  static constexpr std::size_t kMaxLevels = 16;
  /// Levels as a table of 64 bytes.
  struct Table {
    Table(const float* levels, std::size_t n) noexcept {
      float padded[kMaxLevels] = {};
      // No scheme has more levels, but the compiler sees codes of 8 bits, too.
      std::copy_n(levels, std::min(n, kMaxLevels), padded);
      for (int i = 0; i < 4; ++i) {
        bytes.val[i] = vreinterpretq_u8_f32(vld1q_f32(padded + 4 * i));
      }
    }
    [[nodiscard]] float32x4_t at(uint32x4_t codes) const noexcept {
      // Byte j of a level is byte 4 * code + j of the table.
      const uint32x4_t places =
          vaddq_u32(vmulq_n_u32(codes, 0x04040404U), vdupq_n_u32(0x03020100U));
      return vreinterpretq_f32_u8(vqtbl4q_u8(bytes, vreinterpretq_u8_u32(places)));
    }
    uint8x16x4_t bytes;
  };

  static float half(std::uint16_t x) noexcept {
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(x))), 0);
  }
  static void halves(const std::uint8_t* from, std::size_t n, float* to) noexcept {
    for_lanes(n, [&](std::size_t i, std::size_t count) {
      neon::store(to + i, neon::load(reinterpret_cast<const Half*>(from) + i, count), count);
    });
  }
};

}  // namespace
}  // namespace nibble::kernels::neon
