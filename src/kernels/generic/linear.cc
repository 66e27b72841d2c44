#include "kernels/generic/linear.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

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
    bool is_broken = false;
    for (std::size_t i = 0; i < columns.n; ++i) {
      top = std::max(top, std::fabs(x[i]));
      is_broken = is_broken || !std::isfinite(x[i]);
    }
    if (is_broken) {  // the maximum does not see it; the codes stay zero
      scales[t] = shifts[t] = std::numeric_limits<float>::quiet_NaN();
      continue;
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

/// Levels of one dword of a chunk, 16 rows by 4 columns.
void read_levels(PanelFormat format,
                 const std::uint8_t* table,
                 const std::uint8_t* chunk,
                 std::size_t dword,
                 int* out) noexcept {
  std::fill_n(out, kVectorBytes, 0);
  for (const CodePlane& plane : code_planes(format)) {
    const std::size_t per_byte = 8 / plane.bits;
    const std::uint8_t* bytes = chunk + plane.offset + dword / per_byte * kVectorBytes;
    const auto down = static_cast<int>(dword % per_byte * plane.bits);
    const auto up = static_cast<int>(plane.shift);
    const int mask = (1 << plane.bits) - 1;
    for (std::size_t i = 0; i < kVectorBytes; ++i) {
      out[i] |= (bytes[i] >> down & mask) << up;
    }
  }
  if (table != nullptr) {
    std::transform(out, out + kVectorBytes, out, [table](int code) { return table[code]; });
  }
}

/// The dots of one block, whose dwords in the chunk start at `first`.
template <PanelFormat kFormat>
void multiply_block(const PanelTask& task,
                    const std::uint8_t* chunk,
                    std::size_t first,
                    const std::byte* x,
                    std::int32_t (&dots)[kMaxTile][kPanelRows]) noexcept {
  const std::size_t block = task.groups.block;
  const auto* codes = reinterpret_cast<const std::int8_t*>(x);
  const auto* inits = reinterpret_cast<const std::int32_t*>(x + block * task.tile);
  for (std::size_t t = 0; t < task.tile; ++t) {
    std::fill_n(dots[t], kPanelRows, inits[t]);
  }
  for (std::size_t d = 0; d < block / 4; ++d) {
    int levels[kVectorBytes];
    read_levels(kFormat, task.levels, chunk, first + d, levels);
    for (std::size_t t = 0; t < task.tile; ++t) {
      const std::int8_t* q = codes + (d * task.tile + t) * 4;
      for (std::size_t r = 0; r < kPanelRows; ++r) {
        const int* w = levels + r * 4;
        dots[t][r] += w[0] * q[0] + w[1] * q[1] + w[2] * q[2] + w[3] * q[3];
      }
    }
  }
}

/// The scale or offset of row r in group g; 0 where there are none.
float scale_of(const PanelTask& task,
               const std::uint16_t* halves,
               const std::int8_t* integers,
               std::size_t g,
               std::size_t r) noexcept {
  if (halves == nullptr) {
    return 0.0F;
  }
  const float half = f16_to_f32(halves[(g >> task.super_shift) * kPanelRows + r]);
  return integers == nullptr ? half : half * static_cast<float>(integers[g * kPanelRows + r]);
}

template <PanelFormat kFormat>
void multiply_codes(const PanelTask& task) noexcept {
  const GroupShape& groups = task.groups;
  const auto* codes = reinterpret_cast<const std::uint8_t*>(task.codes);
  const std::size_t x_bytes = task.tile * (groups.block + 3 * sizeof(float));
  const std::size_t per_chunk = groups.blocks_per_chunk();
  Sums sums = {};
  for (std::size_t b = 0; b < groups.n_blocks; ++b) {
    const std::byte* x = task.x + b * x_bytes;
    const auto* scales =
        reinterpret_cast<const float*>(x + task.tile * (groups.block + sizeof(float)));
    const float* shifts = scales + task.tile;
    std::int32_t dots[kMaxTile][kPanelRows];
    multiply_block<kFormat>(task,
                            codes + b / per_chunk * chunk_bytes(kFormat),
                            b % per_chunk * kChunkDwords / per_chunk,
                            x,
                            dots);
    const std::size_t g = b / groups.blocks_per_group;
    for (std::size_t r = 0; r < kPanelRows; ++r) {
      const float scale = scale_of(task, task.scales, task.integer_scales, g, r);
      const float offset = scale_of(task, task.offsets, task.integer_offsets, g, r);
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

template <PanelFormat kFormat>
constexpr PanelKernel codes_kernel(std::string_view name) noexcept {
  return {name, ActivationType::kInt8, multiply_codes<kFormat>};
}

}  // namespace

const LinearKernels kLinear = {
    .tiles = kTiles,
    .pack = {pack_f32, nullptr, pack_int8},
    .panels = {{{"f32_generic", ActivationType::kF32, multiply_f32},
                {"bf16_f32_generic", ActivationType::kF32, multiply_bf16},
                codes_kernel<PanelFormat::kInt2>("int2_i8_generic"),
                codes_kernel<PanelFormat::kInt3>("int3_i8_generic"),
                codes_kernel<PanelFormat::kInt4>("int4_i8_generic"),
                codes_kernel<PanelFormat::kInt5>("int5_i8_generic"),
                codes_kernel<PanelFormat::kInt6>("int6_i8_generic"),
                codes_kernel<PanelFormat::kInt8>("int8_i8_generic"),
                codes_kernel<PanelFormat::kLut4>("lut4_i8_generic")}},
};

}  // namespace nibble::kernels::generic
