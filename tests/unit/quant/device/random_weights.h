/// Weights and inputs for tests of methods on a device.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "codec/dense.h"
#include "tensor/half.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

inline std::vector<float> random_weights(std::size_t n, std::uint32_t seed, float spread = 0.02F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> out(n);
  for (float& w : out) {
    w = normal(random);
  }
  return out;
}

/// Inputs that lean on each other, as binary16: [tokens][cols].
inline std::vector<std::uint16_t> random_inputs(std::size_t n_tokens,
                                                std::size_t cols,
                                                std::uint32_t seed) {
  const std::vector<float> noise = random_weights(n_tokens * cols, seed, 1.0F);
  std::vector<std::uint16_t> out(noise.size());
  for (std::size_t t = 0; t < n_tokens; ++t) {
    float last = 0.0F;
    for (std::size_t c = 0; c < cols; ++c) {
      const float size = 0.2F + 3.0F * static_cast<float>(c * 7 % cols) / static_cast<float>(cols);
      last = 0.6F * last + noise[t * cols + c] * size;
      out[t * cols + c] = f32_to_f16(last);
    }
  }
  return out;
}

/// Their second moment, in float64.
inline std::vector<double> moment_of(const std::vector<std::uint16_t>& x, std::size_t cols) {
  std::vector<double> out(cols * cols);
  for (std::size_t t = 0; t < x.size() / cols; ++t) {
    for (std::size_t i = 0; i < cols; ++i) {
      const double a = static_cast<double>(f16_to_f32(x[t * cols + i]));
      for (std::size_t j = 0; j < cols; ++j) {
        out[i * cols + j] += a * static_cast<double>(f16_to_f32(x[t * cols + j]));
      }
    }
  }
  return out;
}

inline codec::EncodedMatrix dense_floats(const std::vector<float>& values,
                                         std::size_t rows,
                                         std::size_t cols) {
  return codec::dense_matrix(Tensor::from<float>(DType::kF32, {rows, cols}, values));
}

/// The share of entries that differ.
template <class T>
double share_that_differs(const std::vector<T>& a, const std::vector<T>& b) {
  std::size_t n = a.size() == b.size() ? 0 : a.size();
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    n += a[i] == b[i] ? 0 : 1;
  }
  return static_cast<double>(n) / static_cast<double>(std::max<std::size_t>(a.size(), 1));
}

}  // namespace nibble::quant
