/// Unit vectors in some clusters, as texts of some subjects are.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace nibble::rag::testing {

/// [n, dims] around 8 centres that are the same for every seed.
inline std::vector<float> clustered(std::size_t n, std::size_t dims, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> centres(8 * dims);
  std::mt19937 fixed(99);
  for (float& value : centres) {
    value = normal(fixed);
  }
  std::vector<float> out(n * dims);
  for (std::size_t i = 0; i < n; ++i) {
    float norm = 0.0F;
    const std::size_t cluster = random() % 8;
    for (std::size_t d = 0; d < dims; ++d) {
      out[i * dims + d] = centres[cluster * dims + d] + normal(random);
      norm += out[i * dims + d] * out[i * dims + d];
    }
    for (std::size_t d = 0; d < dims; ++d) {
      out[i * dims + d] /= std::sqrt(norm);
    }
  }
  return out;
}

}  // namespace nibble::rag::testing
