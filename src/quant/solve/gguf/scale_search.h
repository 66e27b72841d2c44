/// The searches for the scale of a few weights that the block types of GGUF are filled with.
///
/// Each minimises sum of w (x - decoded)^2 over codes and scale. For fixed codes the best scale is
/// a quotient of two sums; so a search tries grids near the one that the largest weight asks for,
/// refits each, and keeps the best.
///
///   symmetric_scale   x ~ s (code - half), code 0 … 2 half - 1; 18 grids beside the first
///   descend_scale     the same with w = x^2: code by code, as long as the fit gets better
///   positive_scale    x ~ s code with x >= 0: the best of nine grids, then code by code
///   offset_scale      x ~ s code + offset, offset <= 0: least squares in both, `n_steps` grids
///
/// Shapes     x, w, codes [n]
/// Requires   w >= 0; n <= 32
/// Precision  float32 sums in the order of the weights, products as written
/// Source     what ggml's quantizer finds (compared in gguf_test.cc); docs/formats/gguf-blocks.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nibble::quant {

/// The value of largest magnitude, the first of equals; 0 when all are below 1e-15.
float signed_peak(std::span<const float> x) noexcept;

float symmetric_scale(std::span<const float> x,
                      std::span<const float> w,
                      int half,
                      std::span<std::uint8_t> codes) noexcept;

float descend_scale(std::span<const float> x, int half, std::span<std::uint8_t> codes) noexcept;

float positive_scale(std::span<const float> x,
                     std::span<const float> w,
                     int max_code,
                     std::span<std::uint8_t> codes) noexcept;

/// Grids of (max_code + first + step i) steps over the range of x.
struct OffsetSearch {
  int max_code = 15;
  float first = -1.0F;
  float step = 0.1F;
  int n_steps = 20;
  bool is_absolute = false;  ///< grids are compared by sum of w |x - decoded|
};

struct ScaleAndOffset {
  float scale = 0.0F;
  float offset = 0.0F;
};

ScaleAndOffset offset_scale(std::span<const float> x,
                            std::span<const float> w,
                            const OffsetSearch& search,
                            std::span<std::uint8_t> codes) noexcept;

}  // namespace nibble::quant
