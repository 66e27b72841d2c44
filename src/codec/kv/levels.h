/// Keys and values on non-uniform levels, KVQuant's: a vector is brought to [-1, 1] by its limits,
/// takes the nearest of 2^bits levels, and the few entries outside the limits are kept beside.
///
///   middle = (upper + lower) / 2,  half = (upper - lower) / 2,
///   x ~ levels[code] * half + middle
///
/// Limits of a key's channel come from calibration; those of a value are found in the token itself:
/// its entries at or beyond the quantiles 0.5 % and 99.5 % are kept, the others span the limits.
///
/// Requires   levels ascend, 2 to 16 of them; finite entries
/// Precision  float32
/// Source     Hooper et al. 2024, arXiv 2401.18079; its simulated quantization; our own code
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nibble::codec {

/// Share of the entries of a vector that are kept exactly, half of it at each end.
inline constexpr double kKvOutlierShare = 0.01;

/// A vector's middle and half width.
struct KvSpan {
  float middle = 0;
  float half = 0;
};

struct KvLimits {
  float lower = 0;
  float upper = 0;
  [[nodiscard]] constexpr KvSpan span() const noexcept {
    return {(upper + lower) / 2, (upper - lower) / 2};
  }
};

/// Strictly outside, as calibrated keys are judged.
[[nodiscard]] constexpr bool is_outside(const KvLimits& limits, float x) noexcept {
  return x < limits.lower || x > limits.upper;
}

/// Finds the nearest of a few levels.
class LevelCoder {
 public:
  explicit LevelCoder(std::span<const float> levels) noexcept;
  /// The code of the level nearest to (x - middle) / half, the lower one where two are as near; of
  /// 0 where the vector has no width.
  [[nodiscard]] std::uint8_t code(const KvSpan& span, float x) const noexcept;

 private:
  std::array<float, 15> thresholds_{};  ///< between neighbours; infinity where there are fewer
};

[[nodiscard]] inline float level_value(std::span<const float> levels,
                                       const KvSpan& span,
                                       std::uint8_t code) noexcept {
  return levels[code] * span.half + span.middle;
}

/// Quantile `share` (0 to 1) of values in ascending order, interpolated as NumPy and torch do.
float quantile(std::span<const float> ascending, double share) noexcept;

/// Which entries of a value vector are kept exactly, and the limits of the others.
struct TokenLimits {
  KvLimits limits;
  std::vector<std::uint16_t> outliers;  ///< ascending entries
};
TokenLimits limits_of_token(std::span<const float> x);

}  // namespace nibble::codec
