/// A codec made for tests: random codes, scales and offsets of any bits and group.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "codec/codec.h"

namespace nibble::testing {

inline constexpr double kTopScale = 0.01;

class GridCodec final : public codec::Codec {
 public:
  GridCodec(const codec::Grid& grid, std::size_t cols, bool common_zero, std::uint32_t seed)
      : grid_(grid), cols_(cols), common_zero_(common_zero), seed_(seed) {}
  std::string name() const override { return "grid"; }
  double bits_per_weight(std::size_t /*rows*/, std::size_t /*cols*/) const override { return 0.0; }
  Result<void> validate(const codec::EncodedMatrix& /*matrix*/) const override { return {}; }
  std::optional<codec::Grid> grid(const codec::EncodedMatrix& /*matrix*/) const override {
    return grid_;
  }
  void unpack_row(const codec::EncodedMatrix& /*matrix*/,
                  std::size_t row,
                  std::span<std::uint8_t> codes,
                  std::span<float> scales,
                  std::span<float> offsets) const override {
    std::mt19937 random(seed_ + static_cast<std::uint32_t>(row));
    std::uniform_int_distribution<int> code(0, (1 << grid_.bits) - 1);
    std::uniform_real_distribution<float> real(0.1F, 1.0F);
    std::ranges::generate(codes, [&] { return static_cast<std::uint8_t>(code(random)); });
    std::ranges::generate(scales, [&] { return static_cast<float>(kTopScale) * real(random); });
    for (std::size_t g = 0; g < offsets.size(); ++g) {
      const float middle = static_cast<float>(1 << (grid_.bits - 1));
      offsets[g] =
          !grid_.has_offsets ? 0.0F : -scales[g] * (common_zero_ ? middle : middle * real(random));
    }
  }
  void decode_rows(const codec::EncodedMatrix& matrix,
                   std::size_t first,
                   std::size_t n,
                   float* out) const override {
    const std::size_t n_groups = (cols_ + grid_.group - 1) / grid_.group;
    std::vector<std::uint8_t> codes(cols_);
    std::vector<float> scales(n_groups);
    std::vector<float> offsets(n_groups);
    for (std::size_t r = 0; r < n; ++r) {
      unpack_row(matrix, first + r, codes, scales, offsets);
      for (std::size_t c = 0; c < cols_; ++c) {
        const float level =
            grid_.codebook ? (*grid_.codebook)[codes[c]] : static_cast<float>(codes[c]);
        out[r * cols_ + c] = scales[c / grid_.group] * level + offsets[c / grid_.group];
      }
    }
  }

 private:
  codec::Grid grid_;
  std::size_t cols_;
  bool common_zero_;
  std::uint32_t seed_;
};

}  // namespace nibble::testing
