/// Cosines and sines of positions, for keys that are rotated when they are read.
///
/// Layout     a page covers 64 positions: cosines [head_dim / 2, 64], then sines alike
/// Precision  as rope_in_place
/// Threads    `cover` changes the table; otherwise immutable
/// Errors     std::bad_alloc
/// Source     Su et al. 2021, arXiv 2104.09864; our own code
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace nibble::ops {

class RopeTable {
 public:
  explicit RopeTable(std::vector<float> inverse_frequency)
      : inverse_frequency_(std::move(inverse_frequency)) {}

  /// Adds pages until `n_positions` are covered.
  void cover(std::size_t n_positions);
  [[nodiscard]] std::span<const float* const> pages() const noexcept { return pages_; }
  [[nodiscard]] std::span<const float> inverse_frequency() const noexcept {
    return inverse_frequency_;
  }

 private:
  std::vector<float> inverse_frequency_;
  std::vector<std::unique_ptr<float[]>> storage_;
  std::vector<const float*> pages_;
};

}  // namespace nibble::ops
