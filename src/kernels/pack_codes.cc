#include "kernels/pack_codes.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <span>

#include "base/checked_math.h"
#include "tensor/half.h"

namespace nibble::kernels {
namespace {

/// The codes of one chunk, a byte each: [dword][16][4].
using ChunkCodes = std::uint8_t[kChunkDwords][kVectorBytes];

void write_chunk(PanelFormat format, const ChunkCodes& codes, std::uint8_t* chunk) noexcept {
  for (const CodePlane& plane : code_planes(format)) {
    const std::size_t per_byte = 8 / plane.bits;
    const auto mask = static_cast<std::uint8_t>((1U << plane.bits) - 1U);
    for (std::size_t d = 0; d < kChunkDwords; ++d) {
      std::uint8_t* out = chunk + plane.offset + d / per_byte * kVectorBytes;
      const auto up = static_cast<int>(d % per_byte * plane.bits);
      const auto down = static_cast<int>(plane.shift);
      for (std::size_t i = 0; i < kVectorBytes; ++i) {
        const int bits = ((codes[d][i] >> down) & mask) << up;
        out[i] = static_cast<std::uint8_t>(up == 0 ? bits : out[i] | bits);
      }
    }
  }
}

unsigned read_code(PanelFormat format,
                   const std::uint8_t* chunk,
                   std::size_t dword,
                   std::size_t byte) noexcept {
  unsigned code = 0;
  for (const CodePlane& plane : code_planes(format)) {
    const std::size_t per_byte = 8 / plane.bits;
    const unsigned bits = chunk[plane.offset + dword / per_byte * kVectorBytes + byte];
    const unsigned mask = (1U << plane.bits) - 1U;
    code |= (bits >> (dword % per_byte * plane.bits) & mask) << plane.shift;
  }
  return code;
}

/// The integer z with offset = -z * scale in every group of the matrix; -1 when there is none.
class ZeroFinder {
 public:
  void observe(std::span<const float> scales, std::span<const float> offsets) {
    for (std::size_t g = 0; g < scales.size() && !failed_; ++g) {
      if (scales[g] == 0.0F && offsets[g] == 0.0F) {
        continue;
      }
      const float ratio = -offsets[g] / scales[g];
      const auto z = static_cast<std::int32_t>(std::lround(std::clamp(ratio, 0.0F, 255.0F)));
      std::int32_t expected = kUnknown;
      const bool same = zero_.compare_exchange_strong(expected, z) || expected == z;
      if (!same || offsets[g] != -static_cast<float>(z) * scales[g]) {
        failed_ = true;
      }
    }
  }
  [[nodiscard]] std::int32_t found() const {
    return failed_ ? -1 : zero_ == kUnknown ? 0 : zero_.load();
  }

 private:
  static constexpr std::int32_t kUnknown = -1;
  std::atomic<std::int32_t> zero_{kUnknown};
  std::atomic<bool> failed_{false};
};

/// A power of two that brings the scales and offsets of a row well inside binary16.
float row_factor(std::span<const float> scales, std::span<const float> offsets) {
  float top = 0.0F;
  for (const float scale : scales) {
    top = std::max(top, std::fabs(scale));
  }
  for (const float offset : offsets) {
    top = std::max(top, std::fabs(offset) / 256.0F);
  }
  return top > 0.0F && std::isfinite(top) ? std::ldexp(1.0F, std::ilogb(top) - 4) : 1.0F;
}

/// Packs one panel after the other; each worker has one.
class PanelPacker {
 public:
  PanelPacker(const codec::EncodedMatrix& weight, Panels& out)
      : weight_(weight),
        out_(out),
        codes_(kPanelRows * out.cols),
        scales_(out.groups.n_groups),
        offsets_(out.groups.n_groups) {}

  void pack(std::size_t p, ZeroFinder& zeros) {
    const std::size_t first = p * kPanelRows;
    n_rows_ = std::min(kPanelRows, out_.rows - first);
    for (std::size_t r = 0; r < n_rows_; ++r) {
      weight_.codec->unpack_row(weight_,
                                first + r,
                                std::span(codes_).subspan(r * out_.cols, out_.cols),
                                scales_,
                                offsets_);
      if (out_.has_offsets) {
        zeros.observe(scales_, offsets_);
      }
      place_scales(p, r);
    }
    auto* chunk = reinterpret_cast<std::uint8_t*>(out_.codes.data() + p * out_.panel_bytes);
    for (std::size_t c = 0; c * out_.groups.blocks_per_chunk() < out_.groups.n_blocks; ++c) {
      place_chunk(c, chunk);
      chunk += chunk_bytes(out_.format);
    }
  }

 private:
  void place_scales(std::size_t p, std::size_t r) {
    const std::span<const float> offsets(offsets_.data(), out_.has_offsets ? offsets_.size() : 0);
    const float factor = row_factor(scales_, offsets);
    out_.row_factors[p * kPanelRows + r] = factor * out_.level_factor;
    for (std::size_t g = 0; g < scales_.size(); ++g) {
      const std::size_t at = (p * scales_.size() + g) * kPanelRows + r;
      out_.scales[at] = f32_to_f16(scales_[g] / factor);
      if (out_.has_offsets) {
        const float centred = offsets_[g] + static_cast<float>(out_.zero) * scales_[g];
        out_.offsets[at] = f32_to_f16(centred / factor);
      }
    }
  }

  void place_chunk(std::size_t c, std::uint8_t* chunk) {
    ChunkCodes codes = {};
    const std::size_t n = out_.groups.blocks_per_chunk();
    for (std::size_t i = 0; i < n && c * n + i < out_.groups.n_blocks; ++i) {
      const BlockColumns columns = block_columns(out_.groups, c * n + i);
      std::uint8_t(*dwords)[kVectorBytes] = codes + i * kChunkDwords / n;
      for (std::size_t r = 0; r < n_rows_; ++r) {
        const std::uint8_t* row = codes_.data() + r * out_.cols + columns.first;
        for (std::size_t d = 0; d * 4 < columns.n; ++d) {
          std::memcpy(dwords[d] + r * 4, row + d * 4, std::min<std::size_t>(4, columns.n - d * 4));
        }
      }
    }
    write_chunk(out_.format, codes, chunk);
  }

  const codec::EncodedMatrix& weight_;
  Panels& out_;
  std::size_t n_rows_ = 0;
  std::vector<std::uint8_t> codes_;  ///< [16][cols]
  std::vector<float> scales_;        ///< of one row
  std::vector<float> offsets_;
};

PanelFormat format_of(const codec::Grid& grid) noexcept {
  if (grid.codebook) {
    return PanelFormat::kLut4;
  }
  constexpr PanelFormat kByBits[] = {PanelFormat::kInt2,
                                     PanelFormat::kInt2,
                                     PanelFormat::kInt2,
                                     PanelFormat::kInt3,
                                     PanelFormat::kInt4,
                                     PanelFormat::kInt5,
                                     PanelFormat::kInt6,
                                     PanelFormat::kInt8,
                                     PanelFormat::kInt8};
  return kByBits[grid.bits];
}

void choose_levels(const codec::Grid& grid, Panels& out) {
  if (!grid.codebook) {
    // Offsets of wide codes are measured from the middle, so that binary16 keeps more of them.
    out.zero = grid.has_offsets && grid.bits > 5 ? 1 << (grid.bits - 1) : 0;
    return;
  }
  const IntegerCodebook integers = round_codebook(*grid.codebook);
  out.zero = 128;
  out.level_factor = 1.0F / integers.multiplier;
  std::ranges::transform(integers.levels, out.levels.begin(), [](std::int8_t level) {
    return static_cast<std::uint8_t>(level + 128);
  });
}

}  // namespace

IntegerCodebook round_codebook(const std::array<float, 16>& codebook) noexcept {
  float top = 0.0F;
  for (const float level : codebook) {
    top = std::max(top, std::fabs(level));
  }
  if (top == 0.0F || !std::isfinite(top)) {
    return {};
  }
  // Integers within int8 stay as they are; otherwise the multiplier, of many, that rounds least.
  const auto round_with = [&](float multiplier, IntegerCodebook& out) {
    double squares = 0.0;
    out.multiplier = multiplier;
    for (std::size_t i = 0; i < codebook.size(); ++i) {
      const float rounded = std::round(codebook[i] * multiplier);
      const double error = double{rounded} / double{multiplier} - double{codebook[i]};
      squares += error * error;
      out.levels[i] = static_cast<std::int8_t>(rounded);
    }
    return squares;
  };
  IntegerCodebook best;
  if (top <= 127.0F && round_with(1.0F, best) == 0.0) {
    return best;
  }
  double least = round_with(127.0F / top, best);
  constexpr int kTried = 1024;
  for (int i = 1; i < kTried; ++i) {
    IntegerCodebook tried;
    const float share = 1.0F - 0.5F * static_cast<float>(i) / static_cast<float>(kTried);
    const double squares = round_with(127.0F / top * share, tried);
    if (squares < least) {
      least = squares;
      best = tried;
    }
  }
  return best;
}

bool pack_codes(const codec::EncodedMatrix& weight, Panels& out, ThreadPool& pool) {
  const auto grid = weight.codec->grid(weight);
  if (!grid || weight.cols == 0 || grid->group == 0 || (grid->codebook && grid->has_offsets)) {
    return false;
  }
  out.format = format_of(*grid);
  out.groups = make_group_shape(weight.cols, grid->group);
  out.has_offsets = grid->has_offsets;
  choose_levels(*grid, out);
  out.panel_bytes =
      ceil_div(out.groups.n_blocks, out.groups.blocks_per_chunk()) * chunk_bytes(out.format);
  out.codes = PanelStorage(out.n_panels * out.panel_bytes);
  out.scales.resize(out.n_panels * out.groups.n_groups * kPanelRows);
  out.offsets.resize(out.has_offsets ? out.scales.size() : 0);
  out.row_factors.resize(out.n_panels * kPanelRows);
  ZeroFinder zeros;
  pool.run(out.n_panels,
           [&](std::size_t p, std::size_t /*worker*/) { PanelPacker(weight, out).pack(p, zeros); });
  if (out.has_offsets && zeros.found() >= 0) {
    out.zero = zeros.found();
    out.has_offsets = false;
    out.offsets = {};
  }
  return true;
}

void unpack_code_row(const Panels& panels, std::size_t row, float* out) noexcept {
  const GroupShape& groups = panels.groups;
  const std::size_t p = row / kPanelRows;
  const std::size_t r = row % kPanelRows;
  const auto* panel = reinterpret_cast<const std::uint8_t*>(panels.panel(p));
  for (std::size_t b = 0; b < groups.n_blocks; ++b) {
    const BlockColumns columns = block_columns(groups, b);
    const std::size_t n = groups.blocks_per_chunk();
    const std::uint8_t* chunk = panel + b / n * chunk_bytes(panels.format);
    const std::size_t dword = b % n * kChunkDwords / n;
    const std::size_t at = (p * groups.n_groups + b / groups.blocks_per_group) * kPanelRows + r;
    const float scale = f16_to_f32(panels.scales[at]) * panels.row_factors[row];
    const float offset =
        panels.has_offsets ? f16_to_f32(panels.offsets[at]) * panels.row_factors[row] : 0.0F;
    for (std::size_t i = 0; i < columns.n; ++i) {
      const unsigned code = read_code(panels.format, chunk, dword + i / 4, r * 4 + i % 4);
      const int level =
          panels.format == PanelFormat::kLut4 ? panels.levels[code] : static_cast<int>(code);
      out[columns.first + i] = scale * static_cast<float>(level - panels.zero) + offset;
    }
  }
}

}  // namespace nibble::kernels
