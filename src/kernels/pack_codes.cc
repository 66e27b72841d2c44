#include "kernels/pack_codes.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>

#include "base/checked_math.h"
#include "tensor/half.h"

namespace nibble::kernels {
namespace {

/// The codes of one chunk, a byte each: [dword][16][4].
struct ChunkCodes {
  alignas(64) std::uint8_t bytes[kChunkDwords][kVectorBytes];
};

/// What every processor has: 16 bytes. Wider ones are cut to pieces badly where they are missing.
constexpr std::size_t kLaneBytes = 16;
using Bytes [[gnu::vector_size(kLaneBytes)]] = std::uint64_t;
using Dwords [[gnu::vector_size(kLaneBytes)]] = std::uint32_t;

/// Shifts whole words; what is cut out of a byte stays within it.
template <std::size_t kBits>
void write_plane(const ChunkCodes& codes, std::size_t shift, std::uint8_t* out) noexcept {
  constexpr std::uint64_t kEveryByte = 0x0101010101010101U;
  constexpr std::uint64_t kMask = ((1U << kBits) - 1U) * kEveryByte;
  constexpr std::size_t kPerByte = 8 / kBits;
  for (std::size_t d = 0; d < kChunkDwords; d += kPerByte) {
    for (std::size_t lane = 0; lane < kVectorBytes; lane += kLaneBytes, out += kLaneBytes) {
      Bytes joined = {};
      for (std::size_t k = 0; k < kPerByte; ++k) {
        Bytes dwords;
        std::memcpy(&dwords, codes.bytes[d + k] + lane, kLaneBytes);
        joined |= ((dwords >> shift) & kMask) << (k * kBits);
      }
      std::memcpy(out, &joined, kLaneBytes);
    }
  }
}

void write_plane(const CodePlane& plane, const ChunkCodes& codes, std::uint8_t* out) noexcept {
  switch (plane.bits) {
    case 1:
      return write_plane<1>(codes, plane.shift, out);
    case 2:
      return write_plane<2>(codes, plane.shift, out);
    case 4:
      return write_plane<4>(codes, plane.shift, out);
    default:
      return write_plane<8>(codes, plane.shift, out);
  }
}

/// Four dwords of four rows, `stride` bytes apart, to four dwords of the chunk: out[d][row].
void transpose_dwords(const std::uint8_t* rows, std::size_t stride, std::uint8_t* out) noexcept {
  Dwords row[4];
  for (std::size_t r = 0; r < 4; ++r) {
    std::memcpy(&row[r], rows + r * stride, kLaneBytes);
  }
  const Dwords pairs[4] = {__builtin_shuffle(row[0], row[1], Dwords{0, 4, 1, 5}),
                           __builtin_shuffle(row[2], row[3], Dwords{0, 4, 1, 5}),
                           __builtin_shuffle(row[0], row[1], Dwords{2, 6, 3, 7}),
                           __builtin_shuffle(row[2], row[3], Dwords{2, 6, 3, 7})};
  for (std::size_t d = 0; d < 4; ++d) {
    const Dwords order = d % 2 == 0 ? Dwords{0, 1, 4, 5} : Dwords{2, 3, 6, 7};
    const Dwords column = __builtin_shuffle(pairs[d / 2 * 2], pairs[d / 2 * 2 + 1], order);
    std::memcpy(out + d * kVectorBytes, &column, kLaneBytes);
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
    if (failed_ || (zero_ != kUnknown && all_have(zero_, scales, offsets))) {
      return;
    }
    for (std::size_t g = 0; g < scales.size() && !failed_; ++g) {
      if (scales[g] == 0.0F && offsets[g] == 0.0F) {
        continue;
      }
      const float ratio = -offsets[g] / scales[g];
      if (!std::isfinite(ratio)) {
        failed_ = true;
        return;
      }
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

  static bool all_have(std::int32_t zero,
                       std::span<const float> scales,
                       std::span<const float> offsets) {
    const auto minus_zero = -static_cast<float>(zero);
    int others = 0;
    for (std::size_t g = 0; g < scales.size(); ++g) {
      others |= static_cast<int>(offsets[g] != minus_zero * scales[g]);
    }
    return others == 0;
  }

  std::atomic<std::int32_t> zero_{kUnknown};
  std::atomic<bool> failed_{false};
};

/// The largest magnitude; NaN does not count.
float largest_magnitude(std::span<const float> values) noexcept {
  constexpr std::size_t kLanes = 4;  // so that a comparison need not wait for the one before
  float tops[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      tops[lane] = std::max(tops[lane], std::fabs(values[i + lane]));
    }
  }
  for (; i < values.size(); ++i) {
    tops[0] = std::max(tops[0], std::fabs(values[i]));
  }
  return std::max(std::max(tops[0], tops[1]), std::max(tops[2], tops[3]));
}

/// A power of two that brings the scales and offsets of a row well inside binary16.
float row_factor(std::span<const float> scales, std::span<const float> offsets) {
  const float top = std::max(largest_magnitude(scales), largest_magnitude(offsets) / 256.0F);
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
        offsets_(out.groups.n_groups),
        halves_(out.groups.n_groups) {
    if (!out.integer_scales.empty()) {
      super_scales_.resize(out.n_supers);
      super_offsets_.resize(out.has_offsets ? out.n_supers : 0);
      integer_scales_.resize(out.groups.n_groups);
      integer_offsets_.resize(out.has_offsets ? out.groups.n_groups : 0);
    }
  }

  void pack(std::size_t p, ZeroFinder& zeros) {
    const std::size_t first = p * kPanelRows;
    const std::size_t n_rows = std::min(kPanelRows, out_.rows - first);
    std::fill(codes_.begin() + static_cast<std::ptrdiff_t>(n_rows * out_.cols), codes_.end(), 0);
    for (std::size_t r = 0; r < n_rows; ++r) {
      weight_.codec->unpack_row(weight_,
                                first + r,
                                std::span(codes_).subspan(r * out_.cols, out_.cols),
                                scales_,
                                offsets_);
      if (out_.has_offsets) {
        zeros.observe(scales_, offsets_);
      }
      out_.integer_scales.empty() ? place_scales(p, r, scales_, offsets_, out_.zero)
                                  : place_integer_scales(p, r);
    }
    auto* chunk = reinterpret_cast<std::uint8_t*>(out_.codes.data() + p * out_.panel_bytes);
    for (std::size_t b = 0; b < out_.groups.n_blocks; b += out_.groups.blocks_per_chunk()) {
      gather_chunk(b);
      for (const CodePlane& plane : code_planes(out_.format)) {
        write_plane(plane, chunk_, chunk + plane.offset);
      }
      chunk += chunk_bytes(out_.format);
    }
  }

 private:
  /// One number for each super; offsets are measured from `zero`.
  void place_scales(std::size_t p,
                    std::size_t r,
                    std::span<const float> scales,
                    std::span<const float> offsets,
                    std::int32_t zero) {
    const float factor = row_factor(scales, out_.has_offsets ? offsets : std::span<const float>());
    const float inverse = 1.0F / factor;
    out_.row_factors[p * kPanelRows + r] = factor * out_.level_factor;
    const std::size_t at = p * scales.size() * kPanelRows + r;
    const std::span halves(halves_.data(), scales.size());
    for (std::size_t g = 0; g < scales.size(); ++g) {
      halves[g] = f32_to_f16(scales[g] * inverse);
    }
    place_column<std::uint16_t>(halves, out_.scales.data() + at);
    if (out_.has_offsets) {
      for (std::size_t g = 0; g < scales.size(); ++g) {
        halves[g] = f32_to_f16((offsets[g] + static_cast<float>(zero) * scales[g]) * inverse);
      }
      place_column<std::uint16_t>(halves, out_.offsets.data() + at);
    }
  }

  /// The numbers of one row into a table of all 16.
  template <class T>
  static void place_column(std::span<const T> values, T* out) noexcept {
    for (std::size_t g = 0; g < values.size(); ++g) {
      out[g * kPanelRows] = values[g];
    }
  }

  void place_integer_scales(std::size_t p, std::size_t r) {
    weight_.codec->unpack_integer_scales(
        weight_,
        p * kPanelRows + r,
        {super_scales_, super_offsets_, integer_scales_, integer_offsets_});
    place_scales(p, r, super_scales_, super_offsets_, 0);
    const std::size_t at = p * integer_scales_.size() * kPanelRows + r;
    place_column<std::int8_t>(integer_scales_, out_.integer_scales.data() + at);
    if (out_.has_offsets) {
      place_column<std::int8_t>(integer_offsets_, out_.integer_offsets.data() + at);
    }
  }

  /// The codes of the chunk that starts with `first_block`.
  void gather_chunk(std::size_t first_block) {
    const std::size_t n = out_.groups.blocks_per_chunk();
    const std::size_t n_dwords = kChunkDwords / n;
    for (std::size_t i = 0; i < n; ++i) {
      const bool is_there = first_block + i < out_.groups.n_blocks;
      const BlockColumns columns =
          is_there ? block_columns(out_.groups, first_block + i) : BlockColumns{0, 0};
      std::uint8_t* to = chunk_.bytes[i * n_dwords];
      columns.n == out_.groups.block ? gather_block(columns.first, to)
                                     : gather_short_block(columns, to);
    }
  }
  void gather_block(std::size_t first, std::uint8_t* to) const noexcept {
    for (std::size_t d = 0; d < out_.groups.block / 4; d += 4) {
      for (std::size_t r = 0; r < kPanelRows; r += 4) {
        transpose_dwords(codes_.data() + r * out_.cols + first + d * 4,
                         out_.cols,
                         to + d * kVectorBytes + r * 4);
      }
    }
  }
  /// Code 0 behind the last column.
  void gather_short_block(BlockColumns columns, std::uint8_t* to) const noexcept {
    std::memset(to, 0, out_.groups.block / 4 * kVectorBytes);
    for (std::size_t r = 0; r < kPanelRows; ++r) {
      const std::uint8_t* row = codes_.data() + r * out_.cols + columns.first;
      for (std::size_t c = 0; c < columns.n; ++c) {
        to[c / 4 * kVectorBytes + r * 4 + c % 4] = row[c];
      }
    }
  }

  const codec::EncodedMatrix& weight_;
  Panels& out_;
  ChunkCodes chunk_{};
  std::vector<std::uint8_t> codes_;  ///< [16][cols]
  std::vector<float> scales_;        ///< of one row
  std::vector<float> offsets_;
  std::vector<std::uint16_t> halves_;
  std::vector<float> super_scales_;  ///< of one row, where the format has integer scales
  std::vector<float> super_offsets_;
  std::vector<std::int8_t> integer_scales_;
  std::vector<std::int8_t> integer_offsets_;
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

void reserve_scales(const codec::Grid& grid, Panels& out) {
  const std::size_t n_integers = out.n_panels * out.groups.n_groups * kPanelRows;
  if (grid.groups_per_super != 0) {
    out.super_shift = static_cast<unsigned>(std::countr_zero(grid.groups_per_super));
    out.integer_scales.resize(n_integers);
    out.integer_offsets.resize(out.has_offsets ? n_integers : 0);
  }
  out.n_supers = ceil_div(out.groups.n_groups, std::size_t{1} << out.super_shift);
  out.scales.resize(out.n_panels * out.n_supers * kPanelRows);
  out.offsets.resize(out.has_offsets ? out.scales.size() : 0);
  out.row_factors.resize(out.n_panels * kPanelRows);
}

void choose_levels(const codec::Grid& grid, Panels& out) {
  if (!grid.codebook) {
    // Offsets of wide codes are measured from the middle, so that binary16 keeps more of them.
    // Integer offsets are exact from zero.
    const bool from_middle = grid.has_offsets && grid.bits > 5 && grid.groups_per_super == 0;
    out.zero = from_middle ? 1 << (grid.bits - 1) : 0;
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
  out.order.assign(grid->order.begin(), grid->order.end());
  choose_levels(*grid, out);
  out.panel_bytes = code_panel_bytes(out.format, out.groups);
  out.codes = PanelStorage(out.n_panels * out.panel_bytes);
  reserve_scales(*grid, out);
  ZeroFinder zeros;
  std::vector<PanelPacker> packers(pool.size(), PanelPacker(weight, out));
  pool.run(out.n_panels,
           [&](std::size_t p, std::size_t worker) { packers[worker].pack(p, zeros); });
  if (out.has_offsets && zeros.found() >= 0) {
    out.zero = zeros.found();
    out.has_offsets = false;
    out.offsets = {};
    out.integer_offsets = {};
  }
  return true;
}

GroupScale scale_of(const Panels& panels, std::size_t row, std::size_t g) noexcept {
  const std::size_t p = row / kPanelRows;
  const std::size_t r = row % kPanelRows;
  const std::size_t at = (p * panels.n_supers + (g >> panels.super_shift)) * kPanelRows + r;
  const std::size_t integers_at = (p * panels.groups.n_groups + g) * kPanelRows + r;
  const float factor = panels.row_factors[row];
  GroupScale out{f16_to_f32(panels.scales[at]) * factor, 0.0F};
  if (panels.has_offsets) {
    out.offset = f16_to_f32(panels.offsets[at]) * factor;
  }
  if (!panels.integer_scales.empty()) {
    out.scale *= static_cast<float>(panels.integer_scales[integers_at]);
    out.offset *=
        panels.has_offsets ? static_cast<float>(panels.integer_offsets[integers_at]) : 0.0F;
  }
  return out;
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
    const GroupScale group = scale_of(panels, row, b / groups.blocks_per_group);
    for (std::size_t i = 0; i < columns.n; ++i) {
      const unsigned code = read_code(panels.format, chunk, dword + i / 4, r * 4 + i % 4);
      const int level =
          panels.format == PanelFormat::kLut4 ? panels.levels[code] : static_cast<int>(code);
      const std::size_t place = columns.first + i;
      out[panels.order.empty() ? place : static_cast<std::size_t>(panels.order[place])] =
          group.scale * static_cast<float>(level - panels.zero) + group.offset;
    }
  }
}

}  // namespace nibble::kernels
