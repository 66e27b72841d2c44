#include "kernels/fragments.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>

#include "base/checked_math.h"
#include "base/error.h"
#include "tensor/half.h"

namespace nibble::kernels {
namespace {

constexpr std::size_t kLanes = 32;
constexpr std::size_t kLaneCols = 16;
constexpr std::size_t kVector = 16;
constexpr std::size_t kHalfRows = kFragmentRows / 2;
/// Dense rows with larger values get a factor, so that none becomes infinite.
constexpr float kLargestHalf = 60000.0F;

/// What a value of the tile is: its row among 16, its column among 64.
struct Place {
  std::size_t row;
  std::size_t col;
};

/// Where the 4 bits of a place lie: byte and shift in the tile.
struct NibblePlace {
  std::size_t byte;
  unsigned shift;
};

std::size_t lane_of(Place at) {
  return at.row % kHalfRows * 4 + at.col / kLaneCols;
}

NibblePlace nibble_place(Place at, bool pairs_in_bytes) {
  const std::size_t col = at.col % kLaneCols;
  const std::size_t pair = col % 4 / 2 * 2 + at.row / kHalfRows;
  const std::size_t nibble = pairs_in_bytes ? 2 * pair + col % 2 : pair + 4 * (col % 2);
  return {lane_of(at) * kVector + col / 4 * 4 + nibble / 2, static_cast<unsigned>(nibble % 2 * 4)};
}

/// Of a code of 8 bits, or of a binary16 value, whose vectors hold 16 and 8 columns.
std::size_t byte_place(Place at, std::size_t value_bytes) {
  const std::size_t per_row = kLaneCols * value_bytes / kVector;
  const std::size_t offset = at.col % kLaneCols * value_bytes;
  const std::size_t vector = at.row / kHalfRows * per_row + offset / kVector;
  return (vector * kLanes + lane_of(at)) * kVector + offset % kVector;
}

std::size_t scale_place(const Fragments& f, std::size_t row, std::size_t group) {
  const std::size_t in_tile = row % kFragmentRows;
  return ((row / kFragmentRows * f.n_groups + group) * kHalfRows + in_tile % kHalfRows) * 2 +
         in_tile / kHalfRows;
}

/// The one grid that holds all sources: most bits, shortest group.
std::optional<codec::Grid> common_grid(std::span<const codec::EncodedMatrix> sources) {
  std::optional<codec::Grid> common;
  for (const codec::EncodedMatrix& source : sources) {
    const auto grid = source.codec->grid(source);
    if (!grid || !grid->order.empty() || grid->bits > 8) {
      return std::nullopt;
    }
    if (!common) {
      common = grid;
      continue;
    }
    if (common->codebook != grid->codebook) {
      return std::nullopt;
    }
    common->bits = std::max(common->bits, grid->bits);
    common->group = std::gcd(common->group, grid->group);
  }
  const std::size_t group = common->group;
  const bool fits = group == 16 || group == 32 || (group > 0 && group % kFragmentCols == 0);
  return fits && !(common->codebook && common->bits > 4) ? common : std::nullopt;
}

FragmentFormat format_of(const std::optional<codec::Grid>& grid) {
  return !grid            ? FragmentFormat::kHalf
         : grid->codebook ? FragmentFormat::kLut4
         : grid->bits > 4 ? FragmentFormat::kCode8
                          : FragmentFormat::kCode4;
}

/// One row on the common grid.
struct GridRow {
  std::vector<std::uint8_t> codes;
  std::vector<float> scales, offsets;
};

void read_row(const codec::EncodedMatrix& source,
              std::size_t row,
              GridRow& out,
              std::size_t group) {
  const codec::Grid own = *source.codec->grid(source);
  const std::size_t n_own = ceil_div(source.cols, own.group);
  std::vector<float> scales(n_own), offsets(n_own);
  out.codes.resize(source.cols);
  source.codec->unpack_row(source, row, out.codes, scales, offsets);
  for (std::size_t g = 0; g < out.scales.size(); ++g) {
    out.scales[g] = scales[g * group / own.group];
    out.offsets[g] = own.has_offsets ? offsets[g * group / own.group] : 0.0F;
  }
}

/// The power of two that brings `largest` to [0.5, 1).
float factor_for(float largest) {
  int exponent = 0;
  std::frexp(largest, &exponent);
  return largest > 0 && std::isfinite(largest) ? std::ldexp(1.0F, exponent) : 1.0F;
}

/// A group without a scale is its offset alone: codes 0, offset 1, and the offset as its scale.
void resolve_empty_groups(GridRow& row, std::size_t group, bool has_codebook) {
  for (std::size_t g = 0; g < row.scales.size(); ++g) {
    if (row.scales[g] != 0.0F) {
      row.offsets[g] /= row.scales[g];
      continue;
    }
    row.scales[g] = row.offsets[g];
    row.offsets[g] = row.offsets[g] == 0.0F ? 0.0F : 1.0F;
    if (!has_codebook && row.scales[g] != 0.0F) {
      const auto first = row.codes.begin() + static_cast<std::ptrdiff_t>(g * group);
      std::fill(first,
                first + static_cast<std::ptrdiff_t>(std::min(group, row.codes.size() - g * group)),
                std::uint8_t{0});
    }
  }
}

void store_codes(Fragments& f, std::size_t row, std::span<const std::uint8_t> codes) {
  const std::size_t tile_bytes = fragment_bytes(f.format);
  std::byte* tiles = f.codes.data() + row / kFragmentRows * f.n_col_tiles * tile_bytes;
  for (std::size_t c = 0; c < codes.size(); ++c) {
    std::byte* tile = tiles + c / kFragmentCols * tile_bytes;
    const Place at{row % kFragmentRows, c % kFragmentCols};
    if (f.format == FragmentFormat::kCode8) {
      tile[byte_place(at, 1)] = std::byte{codes[c]};
      continue;
    }
    const NibblePlace to = nibble_place(at, f.format == FragmentFormat::kLut4);
    tile[to.byte] |= std::byte{codes[c]} << to.shift;
  }
}

void pack_code_row(Fragments& f, std::size_t row, GridRow& values) {
  resolve_empty_groups(values, f.group, f.format == FragmentFormat::kLut4);
  store_codes(f, row, values.codes);
  float largest = 0.0F;
  for (const float scale : values.scales) {
    largest = std::max(largest, std::fabs(scale));
  }
  const float factor = factor_for(largest);
  f.row_factors[row] = factor;
  for (std::size_t g = 0; g < f.n_groups; ++g) {
    f.scales[scale_place(f, row, g)] = f32_to_f16(values.scales[g] / factor);
    f.offsets[scale_place(f, row, g)] = f32_to_f16(values.offsets[g]);
  }
}

void pack_half_row(Fragments& f, std::size_t row, std::span<const float> values) {
  float largest = 0.0F;
  for (const float value : values) {
    largest = std::max(largest, std::fabs(value));
  }
  const float factor = largest > kLargestHalf ? factor_for(largest) : 1.0F;
  f.row_factors[row] = factor;
  const std::size_t tile_bytes = fragment_bytes(f.format);
  std::byte* tiles = f.codes.data() + row / kFragmentRows * f.n_col_tiles * tile_bytes;
  for (std::size_t c = 0; c < values.size(); ++c) {
    const std::uint16_t bits = f32_to_f16(values[c] / factor);
    const Place at{row % kFragmentRows, c % kFragmentCols};
    std::memcpy(tiles + c / kFragmentCols * tile_bytes + byte_place(at, 2), &bits, sizeof bits);
  }
}

/// Drops offsets that are one integer everywhere.
void fold_offsets(Fragments& f) {
  std::optional<float> common;
  for (std::size_t row = 0; row < f.rows; ++row) {
    for (std::size_t g = 0; g < f.n_groups; ++g) {
      const std::size_t at = scale_place(f, row, g);
      const float offset = f16_to_f32(f.offsets[at]);
      if (f.scales[at] == 0 && offset == 0.0F) {
        continue;  // an empty group is zero under any offset
      }
      if (offset != std::nearbyint(offset) || (common && *common != offset)) {
        return;
      }
      common = offset;
    }
  }
  f.zero = -static_cast<std::int32_t>(common.value_or(0.0F));
  f.offsets.clear();
}

void check_sources(std::span<const codec::EncodedMatrix> sources) {
  NIBBLE_CHECK(!sources.empty(), "pack_fragments: nothing to pack");
  for (const codec::EncodedMatrix& source : sources) {
    if (source.cols != sources.front().cols) {
      raise(ErrorCode::kShapeMismatch,
            "matrices of {} and {} columns cannot be packed together",
            sources.front().cols,
            source.cols);
    }
  }
  if (sources.front().cols % 8 != 0) {
    raise(ErrorCode::kUnsupported,
          "a matrix of {} columns, the device wants a multiple of 8",
          sources.front().cols);
  }
}

Fragments make_fragments(FragmentFormat format, std::size_t rows, std::size_t cols) {
  Fragments f;
  f.format = format;
  f.rows = rows;
  f.cols = cols;
  f.n_row_tiles = ceil_div(rows, kFragmentRows);
  f.n_col_tiles = ceil_div(cols, kFragmentCols);
  f.codes.resize(f.n_row_tiles * f.n_col_tiles * fragment_bytes(format));
  f.row_factors.assign(f.n_row_tiles * kFragmentRows, 1.0F);
  return f;
}

float code_value(const Fragments& f, std::size_t row, std::size_t col) {
  const std::size_t tile_bytes = fragment_bytes(f.format);
  const std::byte* tile =
      f.codes.data() + (row / kFragmentRows * f.n_col_tiles + col / kFragmentCols) * tile_bytes;
  const Place at{row % kFragmentRows, col % kFragmentCols};
  const std::size_t scale_at = scale_place(f, row, col / f.group);
  float level = 0.0F;
  if (f.format == FragmentFormat::kCode8) {
    level = static_cast<float>(std::to_integer<int>(tile[byte_place(at, 1)]));
  } else {
    const NibblePlace from = nibble_place(at, f.format == FragmentFormat::kLut4);
    const auto code = std::to_integer<std::size_t>(tile[from.byte] >> from.shift) & 15U;
    level =
        f.format == FragmentFormat::kLut4 ? f16_to_f32(f.levels[code]) : static_cast<float>(code);
  }
  const float offset =
      f.offsets.empty() ? static_cast<float>(-f.zero) : f16_to_f32(f.offsets[scale_at]);
  return f16_to_f32(f.scales[scale_at]) * (level + offset);
}

float half_value(const Fragments& f, std::size_t row, std::size_t col) {
  const std::byte* tile =
      f.codes.data() +
      (row / kFragmentRows * f.n_col_tiles + col / kFragmentCols) * fragment_bytes(f.format);
  std::uint16_t bits = 0;
  std::memcpy(&bits, tile + byte_place({row % kFragmentRows, col % kFragmentCols}, 2), sizeof bits);
  return f16_to_f32(bits);
}

}  // namespace

std::size_t Fragments::n_bytes() const noexcept {
  return codes.size() + (scales.size() + offsets.size()) * sizeof(std::uint16_t) +
         row_factors.size() * sizeof(float);
}

std::vector<FragmentRow> stacked_rows(std::span<const codec::EncodedMatrix> sources) {
  std::vector<FragmentRow> rows;
  for (std::uint32_t s = 0; s < sources.size(); ++s) {
    for (std::uint32_t row = 0; row < sources[s].rows; ++row) {
      rows.push_back({s, row});
    }
  }
  return rows;
}

std::vector<FragmentRow> interleaved_rows(const codec::EncodedMatrix& first,
                                          const codec::EncodedMatrix& second) {
  NIBBLE_CHECK(first.rows == second.rows && first.rows % kHalfRows == 0,
               "interleaved_rows: equal multiples of 8 rows");
  std::vector<FragmentRow> rows;
  for (std::uint32_t row = 0; row < first.rows; row += kHalfRows) {
    for (std::uint32_t source = 0; source < 2; ++source) {
      for (std::uint32_t i = 0; i < kHalfRows; ++i) {
        rows.push_back({source, row + i});
      }
    }
  }
  return rows;
}

Fragments pack_fragments(std::span<const codec::EncodedMatrix> sources,
                         std::span<const FragmentRow> rows,
                         ThreadPool& pool) {
  check_sources(sources);
  const std::size_t cols = sources.front().cols;
  const auto grid = common_grid(sources);
  Fragments f = make_fragments(format_of(grid), rows.size(), cols);
  if (grid) {
    f.group = grid->group;
    f.n_groups = ceil_div(cols, f.group);
    f.scales.resize(f.n_row_tiles * f.n_groups * kFragmentRows);
    f.offsets.resize(f.scales.size());
    for (std::size_t i = 0; grid->codebook && i < f.levels.size(); ++i) {
      f.levels[i] = f32_to_f16((*grid->codebook)[i]);
    }
  }
  pool.run(f.n_row_tiles, [&](std::size_t tile, std::size_t /*worker*/) {
    GridRow values{{}, std::vector<float>(f.n_groups), std::vector<float>(f.n_groups)};
    std::vector<float> dense(grid ? 0 : cols);
    const std::size_t end = std::min(rows.size(), (tile + 1) * kFragmentRows);
    for (std::size_t row = tile * kFragmentRows; row < end; ++row) {
      const codec::EncodedMatrix& source = sources[rows[row].source];
      if (grid) {
        read_row(source, rows[row].row, values, f.group);
        pack_code_row(f, row, values);
      } else {
        source.codec->decode_rows(source, rows[row].row, 1, dense.data());
        pack_half_row(f, row, dense);
      }
    }
  });
  if (grid) {
    fold_offsets(f);
  }
  return f;
}

std::size_t packed_bytes(std::span<const codec::EncodedMatrix> sources, std::size_t n_rows) {
  check_sources(sources);
  const std::size_t cols = sources.front().cols;
  const auto grid = common_grid(sources);
  const std::size_t n_row_tiles = ceil_div(n_rows, kFragmentRows);
  const std::size_t n_groups = grid ? ceil_div(cols, grid->group) : 0;
  const bool has_offsets = std::ranges::any_of(sources, [&](const codec::EncodedMatrix& source) {
    return grid && source.codec->grid(source)->has_offsets;
  });
  const std::size_t of_scales =
      n_row_tiles * kFragmentRows * n_groups * sizeof(std::uint16_t) * (has_offsets ? 2 : 1);
  return n_row_tiles * ceil_div(cols, kFragmentCols) * fragment_bytes(format_of(grid)) + of_scales +
         n_row_tiles * kFragmentRows * sizeof(float);
}

void unpack_fragment_row(const Fragments& fragments, std::size_t row, float* out) noexcept {
  for (std::size_t col = 0; col < fragments.cols; ++col) {
    out[col] = fragments.row_factors[row] * (fragments.format == FragmentFormat::kHalf
                                                 ? half_value(fragments, row, col)
                                                 : code_value(fragments, row, col));
  }
}

}  // namespace nibble::kernels
