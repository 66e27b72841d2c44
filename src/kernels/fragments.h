/// Weights as the matrix units of a GPU read them: tiles of 16 output rows and 64 columns, repacked
/// once at load, each in the order in which the 32 lanes of a warp multiply it.
///
///   w[r, c] = factor[r] * scale[r, g] * (level + offset[r, g])
///   level = code - zero, or levels[code] for kLut4; kHalf: w[r, c] = factor[r] * value
///
/// Layout     [row tile][column tile][vector][lane][16 bytes]. Lane L holds rows L / 4 and
///            L / 4 + 8, columns 16 * (L % 4) + [0, 16) of the tile: a warp's load is one straight
///            line, and the activations of a lane are 32 bytes in a row.
///   kCode4   one vector; word s holds columns 4 s + [0, 4), nibble p and p + 4 two neighbours:
///            p = 0 the upper row, columns 0 1; 1 the lower row, 0 1; 2 the upper row, 2 3; 3 the
///            lower row, 2 3
///   kLut4    the same pairs, each in a byte: byte p of word s
///   kCode8   two vectors, the upper row and the lower; a byte each column
///   kHalf    four vectors of binary16: upper row columns [0, 8), [8, 16), lower row alike
///   scales, offsets   [row tile][group][row pair 8][upper, lower]
///
/// Rows behind the last and columns behind the last are zero.
/// Precision  scales and offsets are binary16; factor is a power of two for each row that brings
///            its largest scale to [0.5, 1). Offsets that are one integer in all groups become
///            `zero`. Codebooks and dense weights are rounded to binary16.
/// Threads    immutable once packed
/// Errors     kShapeMismatch when sources differ in columns; kUnsupported for columns that are no
///            multiple of 8
/// Source     our own; docs/kernels.md
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "codec/codec.h"

namespace nibble::kernels {

inline constexpr std::size_t kFragmentRows = 16;
inline constexpr std::size_t kFragmentCols = 64;

enum class FragmentFormat : std::uint8_t { kHalf, kCode4, kLut4, kCode8 };

/// Bytes of one tile.
[[nodiscard]] constexpr std::size_t fragment_bytes(FragmentFormat format) noexcept {
  return format == FragmentFormat::kHalf ? 2048 : format == FragmentFormat::kCode8 ? 1024 : 512;
}

struct Fragments {
  FragmentFormat format = FragmentFormat::kHalf;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t n_row_tiles = 0;
  std::size_t n_col_tiles = 0;
  std::vector<std::byte> codes;
  std::vector<float> row_factors;  ///< [row tile][16]

  // Not of kHalf:
  std::size_t group = 0;  ///< columns of a scale: 16, 32 or a multiple of 64
  std::size_t n_groups = 0;
  std::int32_t zero = 0;                   ///< without offsets
  std::array<std::uint16_t, 16> levels{};  ///< kLut4, binary16
  std::vector<std::uint16_t> scales;
  std::vector<std::uint16_t> offsets;  ///< like scales, or empty

  [[nodiscard]] std::size_t n_bytes() const noexcept;
};

/// A row of a packed matrix: that row of that source, which all have the same columns.
struct FragmentRow {
  std::uint32_t source;
  std::uint32_t row;
};

/// The rows of the sources one after the other.
std::vector<FragmentRow> stacked_rows(std::span<const codec::EncodedMatrix> sources);
/// Rows of two sources in turns of 8, so that a lane holds row i of both: gate and up.
std::vector<FragmentRow> interleaved_rows(const codec::EncodedMatrix& first,
                                          const codec::EncodedMatrix& second);

/// Packs codes where the grids of all sources allow it, else binary16.
Fragments pack_fragments(std::span<const codec::EncodedMatrix> sources,
                         std::span<const FragmentRow> rows,
                         ThreadPool& pool);

/// Bytes of such a packing of `n_rows` rows, without making it: from above, as offsets may turn out
/// to be one.
std::size_t packed_bytes(std::span<const codec::EncodedMatrix> sources, std::size_t n_rows);

/// One row in float32, [cols].
void unpack_fragment_row(const Fragments& fragments, std::size_t row, float* out) noexcept;

}  // namespace nibble::kernels
