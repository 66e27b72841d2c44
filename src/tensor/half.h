/// Conversions between float32 and the two 16-bit floats, exact where exact is possible, else round
/// half to even.
///
/// Precision  widening is exact; narrowing rounds to nearest even; NaN stays NaN; overflow gives
///            infinity
/// Source     IEEE 754 binary16; bfloat16 is the upper half of binary32
#pragma once

#include <bit>
#include <cstdint>

namespace nibble {

[[nodiscard]] constexpr float bf16_to_f32(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

[[nodiscard]] constexpr std::uint16_t f32_to_bf16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
    return static_cast<std::uint16_t>((bits >> 16) | 0x40U);  // keep NaN a NaN
  }
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

// Conversions of binary16 have no branches, so that a compiler can make loops of them into vectors.

/// `yes` where the condition holds, else `no`; both are computed.
[[nodiscard]] constexpr std::uint32_t choose_bits(bool condition,
                                                  std::uint32_t yes,
                                                  std::uint32_t no) noexcept {
  return no ^ ((yes ^ no) & (0U - static_cast<std::uint32_t>(condition)));
}

[[nodiscard]] constexpr float f16_to_f32(std::uint16_t bits) noexcept {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t magnitude = (bits & 0x7FFFU) << 13;
  // The product moves the exponent and normalises what is subnormal in binary16.
  const float finite = std::bit_cast<float>(magnitude) * 0x1p112F;
  const std::uint32_t special = 0x7F800000U | magnitude;  // infinity, NaN
  const bool is_special = magnitude >= (0x7C00U << 13);
  return std::bit_cast<float>(
      sign | choose_bits(is_special, special, std::bit_cast<std::uint32_t>(finite)));
}

[[nodiscard]] constexpr std::uint16_t f32_to_f16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const std::uint32_t normal = (magnitude + 0xFFFU + ((magnitude >> 13) & 1U) - 0x38000000U) >> 13;
  // Subnormal: adding 0.5 lets the float unit do the rounding at the right bit.
  const std::uint32_t subnormal =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - 0x3F000000U;
  const std::uint32_t special = choose_bits(magnitude > 0x7F800000U, 0x7E00U, 0x7C00U);
  const std::uint32_t finite = choose_bits(magnitude >= 0x38800000U, normal, subnormal);
  // From 65520 on values round to 65536 or more.
  return static_cast<std::uint16_t>(sign | choose_bits(magnitude >= 0x477FF000U, special, finite));
}

}  // namespace nibble
