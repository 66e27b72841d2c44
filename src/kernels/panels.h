/// Weights as the matrix kernels read them: panels of 16 output rows, repacked once at load.
///
/// Layout     one panel after the other, each 64-byte aligned; rows behind the last are zero
///   kF32     [col][16] float
///   kBf16    [col / 2][16][2] bfloat16
///   kInt8    [block][block / 4][16][4] unsigned codes
///   kInt4    [block][block / 8][16][4] bytes: the low nibble is a code of dword 2i of the block,
///   the high one of dword 2i + 1 kLut4    [block][block / 8][16][2] 16-bit words: nibble i of word
///   j is the code of column 8v + 2i + j of vector v
/// A block is 16 or 32 columns within one group, padded with code 0; the activations are padded
/// with zeros there.
///
///   w[r, c] = factor[r] * (scale[r, g] * level + offset[r, g]),  level = code - zero, or
///   levels[code]
///
/// Scales and offsets are binary16, [group][16] for each panel; factor is a power of two for each
/// row that brings them into range. Types whose scales are binary16 lose nothing; others keep 11
/// bits of them. Threads    immutable once packed Errors     pack_panels: kOutOfMemory Source our
/// own; docs/kernels.md
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/arithmetic.h"
#include "base/thread_pool.h"
#include "codec/codec.h"

namespace nibble::kernels {

inline constexpr std::size_t kPanelRows = 16;

enum class PanelFormat : std::uint8_t { kF32, kBf16, kInt8, kInt4, kLut4 };
inline constexpr std::size_t kPanelFormats = 5;

/// How the columns of a row fall into groups with one scale each, and those into blocks.
struct GroupShape {
  std::size_t cols = 0;
  std::size_t group = 0;
  std::size_t block = 0;  ///< columns of a block, padding included: 16 or 32
  std::size_t blocks_per_group = 0;
  std::size_t n_groups = 0;
  std::size_t n_blocks = 0;

  bool operator==(const GroupShape&) const = default;
};
GroupShape make_group_shape(std::size_t cols, std::size_t group) noexcept;

/// The columns of one block: [first, first + n).
struct BlockColumns {
  std::size_t first;
  std::size_t n;
};
BlockColumns block_columns(const GroupShape& shape, std::size_t block) noexcept;

/// Zeroed memory on large pages where the system grants them.
class PanelStorage {
 public:
  PanelStorage() = default;
  explicit PanelStorage(std::size_t n_bytes);
  [[nodiscard]] std::byte* data() const noexcept { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return n_bytes_; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const noexcept;
  };
  std::unique_ptr<std::byte, Free> bytes_;
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
  bool has_levels = false;             ///< kInt8, kInt4: level = levels[code] - zero
  std::array<float, 16> levels{};      ///< kLut4: the codebook; otherwise integers, zero added
  std::vector<std::uint16_t> scales;   ///< [panel][group][16], binary16
  std::vector<std::uint16_t> offsets;  ///< the same, or empty
  std::vector<float> row_factors;      ///< [panel][16]

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
