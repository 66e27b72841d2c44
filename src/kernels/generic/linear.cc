#include "kernels/generic/linear.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/half.h"

namespace nibble::kernels::generic {
namespace {

constexpr std::size_t kTiles[] = {1, 2, 4};
constexpr std::size_t kMaxTile = 4;

/// Sums of one tile: [token][row].
using Sums = float[kMaxTile][kPanelRows];

void pack_f32(const PackTask& task) noexcept {
  auto* out = reinterpret_cast<float*>(task.out);
  const std::size_t cols = task.format->cols;
  for (std::size_t c = 0; c < task.format->depth; ++c) {
    for (std::size_t t = 0; t < task.tile; ++t) {
      const bool real = c < cols && t < task.n_tokens;
      out[c * task.tile + t] = real ? task.x[t * task.x_stride + c] : 0.0F;
    }
  }
}

void pack_block(const PackTask& task, std::size_t b, std::byte* out) noexcept {
  const std::size_t block = task.format->groups.block;
  const BlockColumns columns = block_columns(task.format->groups, b);
  auto* codes = reinterpret_cast<std::int8_t*>(out);
  auto* inits = reinterpret_cast<std::int32_t*>(out + block * task.tile);
  auto* scales = reinterpret_cast<float*>(inits + task.tile);
  float* shifts = scales + task.tile;
  for (std::size_t t = 0; t < task.n_tokens; ++t) {
    const float* x = task.x + t * task.x_stride + columns.first;
    float top = 0.0F;
    for (std::size_t i = 0; i < columns.n; ++i) {
      top = std::max(top, std::fabs(x[i]));
    }
    const float inverse = top > 0.0F ? 127.0F / top : 0.0F;
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < columns.n; ++i) {
      const auto code = static_cast<std::int8_t>(std::lrint(x[i] * inverse));
      codes[(i / 4 * task.tile + t) * 4 + i % 4] = code;
      sum += code;
    }
    inits[t] = -task.format->zero * sum;
    scales[t] = top / 127.0F;
    shifts[t] = scales[t] * static_cast<float>(sum);
  }
}

void pack_int8(const PackTask& task) noexcept {
  const GroupShape& groups = task.format->groups;
  const std::size_t block_bytes = task.tile * (groups.block + 3 * sizeof(float));
  std::memset(task.out, 0, groups.n_blocks * block_bytes);
  for (std::size_t b = 0; b < groups.n_blocks; ++b) {
    pack_block(task, b, task.out + b * block_bytes);
  }
}

void store(const PanelTask& task, const Sums& sums) noexcept {
  for (std::size_t t = 0; t < task.n_tokens; ++t) {
    for (std::size_t r = 0; r < task.n_rows; ++r) {
      task.y[t * task.y_stride + r] = sums[t][r] + (task.bias != nullptr ? task.bias[r] : 0.0F);
    }
  }
}

/// `weight(c)` gives the 16 weights of a column through `out`.
template <class Weight>
void multiply_columns(const PanelTask& task, const Weight& weight) noexcept {
  const auto* x = reinterpret_cast<const float*>(task.x);
  Sums sums = {};
  for (std::size_t c = 0; c < task.cols; ++c) {
    float w[kPanelRows];
    weight(c, w);
    for (std::size_t t = 0; t < task.tile; ++t) {
      for (std::size_t r = 0; r < kPanelRows; ++r) {
        sums[t][r] += w[r] * x[c * task.tile + t];
      }
    }
  }
  store(task, sums);
}

void multiply_f32(const PanelTask& task) noexcept {
  const auto* panel = reinterpret_cast<const float*>(task.codes);
  multiply_columns(task, [panel](std::size_t c, float* w) {
    std::memcpy(w, panel + c * kPanelRows, kPanelRows * sizeof(float));
  });
}

void multiply_bf16(const PanelTask& task) noexcept {
  const auto* panel = reinterpret_cast<const std::uint16_t*>(task.codes);
  multiply_columns(task, [panel](std::size_t c, float* w) {
    for (std::size_t r = 0; r < kPanelRows; ++r) {
      w[r] = bf16_to_f32(panel[(c / 2 * kPanelRows + r) * 2 + c % 2]);
    }
  });
}

/// Levels of one dword of a block, 16 rows by 4 columns.
template <bool kPacked>
void read_levels(const float* levels,
                 const std::uint8_t* block,
                 std::size_t dword,
                 int* out) noexcept {
  const std::uint8_t* bytes = block + (kPacked ? dword / 2 : dword) * kPanelRows * 4;
  for (std::size_t i = 0; i < kPanelRows * 4; ++i) {
    const int code = !kPacked ? bytes[i] : dword % 2 == 0 ? bytes[i] & 0x0F : bytes[i] >> 4;
    out[i] = levels != nullptr ? static_cast<int>(levels[code]) : code;
  }
}

template <bool kPacked>
void multiply_block(const PanelTask& task,
                    const std::uint8_t* weights,
                    const std::byte* x,
                    std::int32_t (&dots)[kMaxTile][kPanelRows]) noexcept {
  const std::size_t block = task.groups.block;
  const auto* codes = reinterpret_cast<const std::int8_t*>(x);
  const auto* inits = reinterpret_cast<const std::int32_t*>(x + block * task.tile);
  for (std::size_t t = 0; t < task.tile; ++t) {
    std::fill_n(dots[t], kPanelRows, inits[t]);
  }
  for (std::size_t d = 0; d < block / 4; ++d) {
    int levels[kPanelRows * 4];
    read_levels<kPacked>(task.levels, weights, d, levels);
    for (std::size_t t = 0; t < task.tile; ++t) {
      const std::int8_t* q = codes + (d * task.tile + t) * 4;
      for (std::size_t r = 0; r < kPanelRows; ++r) {
        const int* w = levels + r * 4;
        dots[t][r] += w[0] * q[0] + w[1] * q[1] + w[2] * q[2] + w[3] * q[3];
      }
    }
  }
}

template <bool kPacked>
void multiply_codes(const PanelTask& task) noexcept {
  const GroupShape& groups = task.groups;
  const auto* codes = reinterpret_cast<const std::uint8_t*>(task.codes);
  const std::size_t weight_bytes = groups.block * kPanelRows / (kPacked ? 2 : 1);
  const std::size_t x_bytes = task.tile * (groups.block + 3 * sizeof(float));
  Sums sums = {};
  for (std::size_t b = 0; b < groups.n_blocks; ++b) {
    const std::byte* x = task.x + b * x_bytes;
    const auto* scales =
        reinterpret_cast<const float*>(x + task.tile * (groups.block + sizeof(float)));
    const float* shifts = scales + task.tile;
    std::int32_t dots[kMaxTile][kPanelRows];
    multiply_block<kPacked>(task, codes + b * weight_bytes, x, dots);
    const std::size_t at = b / groups.blocks_per_group * kPanelRows;
    for (std::size_t r = 0; r < kPanelRows; ++r) {
      const float scale = f16_to_f32(task.scales[at + r]);
      const float offset = task.offsets != nullptr ? f16_to_f32(task.offsets[at + r]) : 0.0F;
      for (std::size_t t = 0; t < task.tile; ++t) {
        sums[t][r] += scale * scales[t] * static_cast<float>(dots[t][r]) + offset * shifts[t];
      }
    }
  }
  for (std::size_t t = 0; t < task.tile; ++t) {
    for (std::size_t r = 0; r < kPanelRows; ++r) {
      sums[t][r] *= task.row_factors[r];
    }
  }
  store(task, sums);
}

void multiply_lut4(const PanelTask& task) noexcept {
  const GroupShape& groups = task.groups;
  const auto* panel = reinterpret_cast<const std::uint16_t*>(task.codes);
  multiply_columns(task, [&](std::size_t c, float* w) {
    // Groups are whole blocks, so vectors of 8 columns follow each other without gaps.
    const std::uint16_t* words = panel + c / 8 * kPanelRows * 2;
    const std::size_t at = c / groups.group * kPanelRows;
    for (std::size_t r = 0; r < kPanelRows; ++r) {
      const unsigned code = (words[r * 2 + c % 2] >> (c % 8 / 2 * 4)) & 0x0FU;
      const float factor = task.row_factors[r];
      w[r] = factor * f16_to_f32(task.scales[at + r]) * task.levels[code];
    }
  });
}

}  // namespace

const LinearKernels kLinear = {
    .tiles = kTiles,
    .pack = {pack_f32, nullptr, pack_int8},
    .panels = {{{"f32_generic", ActivationType::kF32, multiply_f32},
                {"bf16_f32_generic", ActivationType::kF32, multiply_bf16},
                {"int8_i8_generic", ActivationType::kInt8, multiply_codes<false>},
                {"int4_i8_generic", ActivationType::kInt8, multiply_codes<true>},
                {"lut4_f32_generic", ActivationType::kF32, multiply_lut4}}},
};

}  // namespace nibble::kernels::generic
