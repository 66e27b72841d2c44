/// How much each weight of a block counts with importance: m sqrt(k E[x^2] + x^2).
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace nibble::quant {

inline float sum_of_squares(std::span<const float> x) noexcept {
  float sum = 0.0F;
  for (const float v : x) {
    sum += v * v;
  }
  return sum;
}

/// `mean_square` is k E[x^2].
inline void importance_weights(std::span<const float> x,
                               std::span<const float> importance,
                               float mean_square,
                               std::span<float> out) noexcept {
  for (std::size_t i = 0; i < x.size(); ++i) {
    out[i] = importance[i] * std::sqrt(mean_square + x[i] * x[i]);
  }
}

}  // namespace nibble::quant
