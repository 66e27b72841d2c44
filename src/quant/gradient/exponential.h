/// e^x of float without a branch or a call, so that compilers make vector loops of it.
///
/// Precision  2e-7 relative for x in [-87, 88]; x beyond is moved to the nearer end
/// Source     e^x = 2^n e^r with |r| <= ln(2)/2, ln(2) in two parts (Cody and Waite 1980) and the
///            Taylor polynomial of degree 7
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace nibble::quant {

inline float exponential(float x) noexcept {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer
  constexpr float kLog2High = 0.693359375F;
  constexpr float kLog2Low = -2.12194440e-4F;
  x = std::min(std::max(x, -87.0F), 88.0F);
  const float shifted = x * 1.44269504F + kShift;
  const float n = shifted - kShift;
  const float r = (x - n * kLog2High) - n * kLog2Low;
  float p = 1.0F / 5040.0F;
  p = p * r + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const auto exponent = (std::bit_cast<std::uint32_t>(shifted) - 0x4B400000U + 127U) << 23U;
  return p * std::bit_cast<float>(exponent);
}

inline double exponential(double x) noexcept {
  return std::exp(x);
}

}  // namespace nibble::quant
