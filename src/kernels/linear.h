/// The matrix product of one panel of weights (two, where a kernel takes them) with one tile of
/// tokens (several, where it takes them), as each instruction set provides it.
///
///   y[t, r] = bias[r] + sum over c of w[r, c] * x[t, c],   r in a panel of 16, t in a tile of T
///
/// Activations are converted once for all layers that share them, into tiles of T tokens (the
/// widths that the instruction set offers; a tile that is not full is padded with zeros):
///
/// Layout     kF32  [col][T] float
///            kBf16 [col / 2][T][2] bfloat16, up to `depth` columns
///            kInt8 for each block: [block / 4][T][4] int8, then T int32 = -zero * sum of codes,
///                  T float = scale, T float = scale * sum of the codes
/// Precision  kInt8: code = round(x / scale), scale = max |x| over the block / 127; the sums are
///            exact
/// Threads    reentrant for distinct y
/// Errors     none; ops/linear.h validates
/// Source     our own; docs/kernels.md
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/panels.h"

namespace nibble::kernels {

enum class ActivationType : std::uint8_t { kF32, kBf16, kInt8 };
inline constexpr std::size_t kActivationTypes = 3;

/// Layers with equal formats share converted activations.
struct ActivationFormat {
  ActivationType type = ActivationType::kF32;
  std::size_t cols = 0;
  std::size_t depth = 0;  ///< kF32, kBf16: columns with padding; zeros from `cols` on
  GroupShape groups;      ///< kInt8
  std::int32_t zero = 0;  ///< kInt8: of the panels, less the kernel's origin

  bool operator==(const ActivationFormat&) const = default;
};

/// Bytes of a tile of one token; a tile of T tokens takes T times as much.
std::size_t activation_bytes(const ActivationFormat& format) noexcept;

struct PackTask {
  const ActivationFormat* format = nullptr;
  const float* x = nullptr;
  std::size_t x_stride = 0;
  std::size_t n_tokens = 0;  ///< <= tile
  std::size_t tile = 0;
  std::byte* out = nullptr;
};

/// Plain pointers only: kernels are compiled for one instruction set and must not instantiate
/// shared inline code.
struct PanelTask {
  const std::byte* codes = nullptr;              ///< of the panel
  std::size_t codes_stride = 0;                  ///< bytes to the codes of the next panel
  std::size_t ahead = 0;                         ///< bytes from what is read to what to ask for
  const std::uint16_t* scales = nullptr;         ///< of the panel, or nullptr
  const std::uint16_t* offsets = nullptr;        ///< of the panel, or nullptr
  const std::int8_t* integer_scales = nullptr;   ///< of the panel, or nullptr
  const std::int8_t* integer_offsets = nullptr;  ///< of the panel, or nullptr
  unsigned super_shift = 0;
  const float* row_factors = nullptr;    ///< of the panel, or nullptr
  const std::uint8_t* levels = nullptr;  ///< [16], of kLut4 only
  GroupShape groups;
  std::size_t cols = 0;
  const std::byte* x = nullptr;  ///< a converted tile, or several one behind the other
  std::size_t tile = 0;
  std::size_t n_tokens = 0;     ///< of all tiles, which are full but the last: rows of y to write
  std::size_t n_rows = 0;       ///< <= 16 for each panel: columns of y to write
  const float* bias = nullptr;  ///< of the panel's rows, or nullptr
  float* y = nullptr;           ///< of the tile's first token and the panel's first row
  std::size_t y_stride = 0;
};

struct PanelKernel {
  std::string_view name;  ///< "int4_i8_avx512vnni"
  ActivationType activation = ActivationType::kF32;
  void (*multiply)(const PanelTask& task) noexcept = nullptr;
  std::size_t panels_at_once = 1;  ///< neighbours that one call takes; 2 for floats only
  std::size_t tiles_at_once = 1;   ///< tiles of one width that one call takes
  std::int32_t origin = 0;         ///< of codes: what the kernel itself subtracts from each level
};

/// What the kernel reads beside these panels.
ActivationFormat activation_format(const Panels& panels, const PanelKernel& kernel) noexcept;

struct LinearKernels {
  std::span<const std::size_t> tiles;  ///< widths offered, ascending
  std::array<void (*)(const PackTask& task) noexcept, kActivationTypes> pack{};
  std::array<PanelKernel, kPanelFormats> panels;

  [[nodiscard]] const PanelKernel& panel(PanelFormat format) const noexcept {
    return panels[static_cast<std::size_t>(format)];
  }
};

/// The task of a panel, or of that many from it on (as far as there are); the caller adds x and y.
PanelTask panel_task(const Panels& panels, std::size_t panel, std::size_t n_panels = 1) noexcept;

/// How n tokens fall into tiles: full ones of the largest width, and one of the smallest width that
/// holds the rest.
struct TilePlan {
  std::size_t n_tokens = 0;
  std::size_t full = 0;  ///< width of the full tiles
  std::size_t n_tiles = 0;
  std::size_t last = 0;  ///< width of the last tile

  [[nodiscard]] std::size_t width(std::size_t tile) const noexcept;
  /// Tokens in a tile.
  [[nodiscard]] std::size_t tokens(std::size_t tile) const noexcept;
  /// Tokens of all tiles together, padding included.
  [[nodiscard]] std::size_t padded() const noexcept;
};
TilePlan plan_tiles(std::span<const std::size_t> tiles, std::size_t n_tokens) noexcept;

}  // namespace nibble::kernels
