/// Rounding and the min/max grid with a real zero, shared by the methods.
///
/// Requires   `round_even`: |x| < 2^22
/// Source     the constant 1.5 * 2^23 leaves no fraction bits, so adding it rounds to nearest even
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace nibble::quant {

inline float round_even(float x) noexcept {
  constexpr float kShift = 12582912.0F;
  return (x + kShift) - kShift;
}

/// The code nearest to `x` in [0, max_code]. Clamping first is the same, and keeps x in range.
inline std::uint8_t nearest_code(float x, float max_code) noexcept {
  return static_cast<std::uint8_t>(round_even(std::clamp(x, 0.0F, max_code)));
}

/// A grid in the quantized domain: code = w * inverse + zero.
struct RealGrid {
  float inverse = 1.0F;
  float zero = 0.0F;
};

/// max_code steps over the range, as reciprocal times max_code (the reference's order); 1 for a
/// range up to 1e-4, at most 2e4.
inline RealGrid real_grid(std::span<const float> w, float max_code) noexcept {
  const auto [low, high] = std::ranges::minmax(w);
  const float range = high - low;
  const float inverse = range <= 1e-4F ? 1.0F : std::min(1.0F / range * max_code, 2e4F);
  return {inverse, -low * inverse};
}

}  // namespace nibble::quant
