/// Keys and values on min/max grids of small groups: KIVI's keys and values, and the plain integer
/// caches.
///
///   scale = (max - min) / (2^bits - 1),   code = rne(clamp((x - min) / scale, 0, 2^bits - 1)),
///   x ~ code * scale + min
///
/// A group whose values are all equal has scale 0 and codes 0 (the reference divides 0 by 0).
///
/// Requires   2 <= bits <= 8; a group is not empty and finite
/// Precision  float32, or every operation rounded to binary16 as half-precision tensors do it;
///            scale and min are then halves
/// Source     Liu et al. 2024, arXiv 2402.02750; its quantization in float16; our own code
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble::codec {

/// Elements that share a scale in all of nibble's caches.
inline constexpr std::size_t kKvGroup = 32;

enum class KvRounding : std::uint8_t { kFloat, kHalf };

struct GroupGrid {
  float scale = 0;
  float min = 0;
};

/// The grid of one group, and its codes, one byte each.
GroupGrid code_group(std::span<const float> x,
                     std::size_t bits,
                     KvRounding rounding,
                     std::span<std::uint8_t> codes) noexcept;

[[nodiscard]] constexpr float group_value(const GroupGrid& grid, std::uint8_t code) noexcept {
  return static_cast<float>(code) * grid.scale + grid.min;
}

}  // namespace nibble::codec
