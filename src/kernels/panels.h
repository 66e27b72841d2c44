/// Weights as the matrix kernels read them: panels of 16 output rows, repacked once at load.
///
///   w[r, c] = factor[r] * (scale[r, g] * level + offset[r, g])
///   scale[r, g] = scales[r, super of g] * integer_scales[r, g];  offset likewise
///   level = code - zero, or levels[code] - zero for kLut4
///
/// Layout     one panel after the other, each 64-byte aligned; rows behind the last are zero
///   kF32     [col][16] float
///   kBf16    [col / 2][16][2] bfloat16
///   codes    [chunk][plane], a chunk being 8 dwords of 4 columns: one block of 32 columns or two
///            of 16. A plane of b bits is b vectors of 64 bytes; byte 4 r + j of vector v holds
///            column j of row r of dwords v * 8 / b and following, the first in its lowest bits.
///            Codes of 2, 4 and 8 bits are one plane; 3 = 2 + 1, 5 = 4 + 1, 6 = 4 + 2 bits, the
///            low bits of the code in the first plane.
///
/// A block is 16 or 32 columns within one group, padded with code 0; the activations are padded
/// with zeros there. Where groups are runs of an order of the columns (codec::Grid::order), c above
/// and col here are places in it.
///
/// Precision  Scales and offsets are binary16; factor is a power of two for each row that brings
///            them into range. Where a format has integer scales (K-quants), those are kept, and
///            the binary16 numbers that they multiply belong to supers of several groups; otherwise
///            a super is a group. What a format stores in binary16 is kept exactly; float32 scales
///            keep 11 bits. Codebooks of integers are exact; others are rounded to int8
///            (`round_codebook`).
/// Threads    immutable once packed
/// Errors     pack_panels: kOutOfMemory
/// Source     our own; docs/kernels.md
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/arithmetic.h"
#include "base/thread_pool.h"
#include "codec/codec.h"

namespace nibble::kernels {

inline constexpr std::size_t kPanelRows = 16;

enum class PanelFormat : std::uint8_t {
  kF32,
  kBf16,
  kInt2,
  kInt3,
  kInt4,
  kInt5,
  kInt6,
  kInt8,
  kLut4,  ///< codes of a codebook, laid out as kInt4
};
inline constexpr std::size_t kPanelFormats = 9;

[[nodiscard]] constexpr bool holds_codes(PanelFormat format) noexcept {
  return format >= PanelFormat::kInt2;
}

/// Some bits of the codes of a chunk.
struct CodePlane {
  std::size_t bits;    ///< 1, 2, 4 or 8
  std::size_t offset;  ///< bytes from the start of the chunk
  std::size_t shift;   ///< of its bits within the code
};
/// The planes of one chunk, of formats that hold codes.
std::span<const CodePlane> code_planes(PanelFormat format) noexcept;

inline constexpr std::size_t kChunkDwords = 8;
inline constexpr std::size_t kChunkCols = 4 * kChunkDwords;
inline constexpr std::size_t kVectorBytes = 4 * kPanelRows;
std::size_t chunk_bytes(PanelFormat format) noexcept;

/// How the columns of a row fall into groups with one scale each, and those into blocks.
struct GroupShape {
  std::size_t cols = 0;
  std::size_t group = 0;
  std::size_t block = 0;  ///< columns of a block, padding included: 16 or 32
  std::size_t blocks_per_group = 0;
  std::size_t n_groups = 0;
  std::size_t n_blocks = 0;

  [[nodiscard]] std::size_t blocks_per_chunk() const noexcept { return kChunkCols / block; }
  bool operator==(const GroupShape&) const = default;
};
GroupShape make_group_shape(std::size_t cols, std::size_t group) noexcept;

/// Bytes of one panel, of floats and of codes.
std::size_t float_panel_bytes(PanelFormat format, std::size_t cols) noexcept;
std::size_t code_panel_bytes(PanelFormat format, const GroupShape& groups) noexcept;

/// The columns of one block: [first, first + n).
struct BlockColumns {
  std::size_t first;
  std::size_t n;
};
BlockColumns block_columns(const GroupShape& shape, std::size_t block) noexcept;

/// Zeroed memory on large pages where the system grants them. Pieces lie side by side in regions,
/// so that small matrices share large pages; the memory of a piece goes back to the system with it.
class PanelStorage {
 public:
  PanelStorage() = default;
  explicit PanelStorage(std::size_t n_bytes);
  [[nodiscard]] std::byte* data() const noexcept { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return n_bytes_; }

 private:
  std::shared_ptr<std::byte> bytes_;
  std::size_t n_bytes_ = 0;
};

struct Panels {
  PanelFormat format = PanelFormat::kF32;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t n_panels = 0;
  std::size_t panel_bytes = 0;
  PanelStorage codes;

  // Only of the formats that hold codes:
  GroupShape groups;
  std::int32_t zero = 0;
  bool has_offsets = false;
  std::array<std::uint8_t, 16> levels{};  ///< kLut4: the codebook times 1 / level_factor, plus zero
  float level_factor = 1.0F;              ///< kLut4: contained in row_factors
  std::vector<std::uint16_t> scales;      ///< [panel][super][16], binary16
  std::vector<std::uint16_t> offsets;     ///< the same, or empty
  std::size_t n_supers = 0;
  unsigned super_shift = 0;                  ///< group g belongs to super g >> super_shift
  std::vector<std::int8_t> integer_scales;   ///< [panel][group][16]; empty: all are 1
  std::vector<std::int8_t> integer_offsets;  ///< the same, where there are offsets
  std::vector<float> row_factors;            ///< [panel][16]
  std::vector<std::int32_t> order;  ///< column at each place; empty: as they are. The activations
                                    ///< are converted in this order

  [[nodiscard]] const std::byte* panel(std::size_t p) const noexcept {
    return codes.data() + p * panel_bytes;
  }
  [[nodiscard]] std::size_t n_bytes() const noexcept;
};

/// Chooses the format and packs. kF32 for Arithmetic::kF32; otherwise codes where the codec has a
/// grid, else kBf16.
Panels pack_panels(const codec::EncodedMatrix& weight, Arithmetic arithmetic, ThreadPool& pool);

/// One row in float32, [cols].
void unpack_panel_row(const Panels& panels, std::size_t row, float* out) noexcept;

}  // namespace nibble::kernels
