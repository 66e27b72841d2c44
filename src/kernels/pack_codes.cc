#include "kernels/pack_codes.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>
#include <span>

#include "base/checked_math.h"
#include "tensor/half.h"

namespace nibble::kernels {
namespace {

/// Where the code of a column lies in a panel: byte and shift.
struct CodePlace {
  std::size_t byte;
  unsigned shift;
};

CodePlace place_of(const Panels& panels, std::size_t r, std::size_t block, std::size_t in_block) {
  const std::size_t block_bytes =
      panels.groups.block * kPanelRows / (panels.format == PanelFormat::kInt8 ? 1 : 2);
  const std::size_t base = block * block_bytes;
  const std::size_t dword = in_block / 4;
  switch (panels.format) {
    case PanelFormat::kInt4:
      return {base + (dword / 2 * kPanelRows + r) * 4 + in_block % 4, dword % 2 == 0 ? 0U : 4U};
    case PanelFormat::kLut4: {
      const std::size_t nibble = in_block % 8 / 2;
      const std::size_t word = (in_block / 8 * kPanelRows + r) * 2 + in_block % 2;
      return {base + word * 2 + nibble / 2, nibble % 2 == 0 ? 0U : 4U};
    }
    default:
      return {base + (dword * kPanelRows + r) * 4 + in_block % 4, 0U};
  }
}

/// The integer z with offset = -z * scale in every group of the matrix; nullopt when there is none.
struct ZeroFinder {
  std::atomic<std::int32_t> zero{-1};
  std::atomic<bool> failed{false};

  void observe(std::span<const float> scales, std::span<const float> offsets) {
    for (std::size_t g = 0; g < scales.size(); ++g) {
      if (scales[g] == 0.0F && offsets[g] == 0.0F) {
        continue;
      }
      const float ratio = -offsets[g] / scales[g];
      const auto z = static_cast<std::int32_t>(std::lround(std::clamp(ratio, 0.0F, 255.0F)));
      std::int32_t expected = -1;
      const bool same = zero.compare_exchange_strong(expected, z) || expected == z;
      if (!same || offsets[g] != -static_cast<float>(z) * scales[g]) {
        failed = true;
      }
    }
  }
};

struct Row {
  std::vector<std::uint8_t> codes;
  std::vector<float> scales;
  std::vector<float> offsets;

  explicit Row(const GroupShape& shape)
      : codes(shape.cols), scales(shape.n_groups), offsets(shape.n_groups) {}
  void read(const codec::EncodedMatrix& weight, std::size_t row) {
    weight.codec->unpack_row(weight, row, codes, scales, offsets);
  }
};

/// Whether all rows share one integer zero point, and which.
std::optional<std::int32_t> common_zero(const codec::EncodedMatrix& weight,
                                        const GroupShape& shape,
                                        ThreadPool& pool) {
  ZeroFinder finder;
  pool.run(ceil_div(weight.rows, kPanelRows), [&](std::size_t p, std::size_t /*worker*/) {
    Row row(shape);
    for (std::size_t r = p * kPanelRows; r < std::min(weight.rows, (p + 1) * kPanelRows); ++r) {
      if (finder.failed) {
        return;
      }
      row.read(weight, r);
      finder.observe(row.scales, row.offsets);
    }
  });
  if (finder.failed) {
    return std::nullopt;
  }
  return std::max(finder.zero.load(), 0);
}

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

void place_row(const Row& row, std::size_t index, Panels& out) {
  const std::size_t p = index / kPanelRows;
  const std::size_t r = index % kPanelRows;
  auto* panel = reinterpret_cast<std::uint8_t*>(out.codes.data() + p * out.panel_bytes);
  for (std::size_t b = 0; b < out.groups.n_blocks; ++b) {
    const BlockColumns columns = block_columns(out.groups, b);
    for (std::size_t i = 0; i < columns.n; ++i) {
      const CodePlace place = place_of(out, r, b, i);
      panel[place.byte] = static_cast<std::uint8_t>(
          panel[place.byte] | static_cast<unsigned>(row.codes[columns.first + i]) << place.shift);
    }
  }
  const std::span<const float> offsets =
      out.has_offsets ? std::span<const float>(row.offsets) : std::span<const float>();
  const float factor = row_factor(row.scales, offsets);
  out.row_factors[index] = factor;
  for (std::size_t g = 0; g < out.groups.n_groups; ++g) {
    const std::size_t at = (p * out.groups.n_groups + g) * kPanelRows + r;
    out.scales[at] = f32_to_f16(row.scales[g] / factor);
    if (out.has_offsets) {
      const float centred = row.offsets[g] + static_cast<float>(out.zero) * row.scales[g];
      out.offsets[at] = f32_to_f16(centred / factor);
    }
  }
}

/// Codebooks of small integers multiply as integers; others as bfloat16.
bool is_int8_codebook(const std::array<float, 16>& codebook) {
  return std::ranges::all_of(codebook, [](float level) {
    return level == std::round(level) && level >= -128.0F && level <= 127.0F;
  });
}

void choose_format(const codec::EncodedMatrix& weight,
                   const codec::Grid& grid,
                   Panels& out,
                   ThreadPool& pool) {
  out.format = grid.bits <= 4 ? PanelFormat::kInt4 : PanelFormat::kInt8;
  out.has_offsets = grid.has_offsets;
  if (grid.codebook) {
    out.levels = *grid.codebook;
    if (!is_int8_codebook(*grid.codebook)) {
      out.format = PanelFormat::kLut4;
      return;
    }
    out.has_levels = true;
    out.zero = 128;
    std::ranges::for_each(out.levels, [](float& level) { level += 128.0F; });
    return;
  }
  if (grid.has_offsets) {
    if (const auto zero = common_zero(weight, out.groups, pool)) {
      out.zero = *zero;
      out.has_offsets = false;
    } else if (grid.bits > 4) {
      // Offsets from the middle of the range are small, so that binary16 keeps more of them.
      out.zero = 1 << (grid.bits - 1);
    }
  }
}

}  // namespace

bool pack_codes(const codec::EncodedMatrix& weight, Panels& out, ThreadPool& pool) {
  const auto grid = weight.codec->grid(weight);
  if (!grid || weight.cols == 0 || grid->group == 0) {
    return false;
  }
  out.groups = make_group_shape(weight.cols, grid->group);
  choose_format(weight, *grid, out, pool);
  if (out.format == PanelFormat::kLut4 && out.groups.n_groups > 1 &&
      out.groups.group % out.groups.block != 0) {
    return false;  // padding inside a row: bfloat16 panels do better
  }
  const std::size_t codes_per_byte = out.format == PanelFormat::kInt8 ? 1 : 2;
  out.panel_bytes = out.groups.n_blocks * out.groups.block * kPanelRows / codes_per_byte;
  out.codes = PanelStorage(out.n_panels * out.panel_bytes);
  out.scales.resize(out.n_panels * out.groups.n_groups * kPanelRows);
  out.offsets.resize(out.has_offsets ? out.scales.size() : 0);
  out.row_factors.resize(out.n_panels * kPanelRows);
  pool.run(out.n_panels, [&](std::size_t p, std::size_t /*worker*/) {
    Row row(out.groups);
    for (std::size_t r = p * kPanelRows; r < std::min(weight.rows, (p + 1) * kPanelRows); ++r) {
      row.read(weight, r);
      place_row(row, r, out);
    }
  });
  return true;
}

void unpack_code_row(const Panels& panels, std::size_t row, float* out) noexcept {
  const std::size_t p = row / kPanelRows;
  const std::size_t r = row % kPanelRows;
  const auto* panel = reinterpret_cast<const std::uint8_t*>(panels.panel(p));
  const bool looks_up = panels.has_levels || panels.format == PanelFormat::kLut4;
  const unsigned mask = panels.format == PanelFormat::kInt8 ? 0xFFU : 0x0FU;
  for (std::size_t b = 0; b < panels.groups.n_blocks; ++b) {
    const BlockColumns columns = block_columns(panels.groups, b);
    const std::size_t g = b / panels.groups.blocks_per_group;
    const std::size_t at = (p * panels.groups.n_groups + g) * kPanelRows + r;
    const float scale = f16_to_f32(panels.scales[at]) * panels.row_factors[row];
    const float offset =
        panels.has_offsets ? f16_to_f32(panels.offsets[at]) * panels.row_factors[row] : 0.0F;
    for (std::size_t i = 0; i < columns.n; ++i) {
      const CodePlace place = place_of(panels, r, b, i);
      const unsigned code = (static_cast<unsigned>(panel[place.byte]) >> place.shift) & mask;
      const float level = looks_up ? panels.levels[code] : static_cast<float>(code);
      out[columns.first + i] = scale * (level - static_cast<float>(panels.zero)) + offset;
    }
  }
}

}  // namespace nibble::kernels
