/// Rotary position embedding in the half-split convention: dimension i is paired with i + head_dim
/// / 2.
///
///   (x[i], x[i + d/2]) rotated by position * inverse_frequency[i]
///
/// Shapes     x [tokens, n_heads * head_dim], rotated in place; inverse_frequency [head_dim / 2];
///            positions [tokens]
/// Precision  angles in float32 as the reference implementations compute them (position *
///            inverse_frequency)
/// Errors     kShapeMismatch
/// Source     Su et al. 2021, arXiv 2104.09864; scalings: docs of the Llama 3 and "linear" variants
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

struct RopeScaling {
  enum class Kind : std::uint8_t { kNone, kLinear, kLlama3, kFactors } kind = Kind::kNone;
  float factor = 1.0F;
  float low_frequency_factor = 1.0F;    ///< Llama 3
  float high_frequency_factor = 4.0F;   ///< Llama 3
  std::size_t original_context = 8192;  ///< Llama 3
  std::vector<float> factors;           ///< kFactors: one divisor per pair (GGUF "rope_freqs")
};

/// theta^(-2i/d), scaled; [head_dim / 2].
std::vector<float> rope_inverse_frequencies(std::size_t head_dim,
                                            float theta,
                                            const RopeScaling& scaling);

void rope_in_place(MatrixView<float> x,
                   std::size_t head_dim,
                   std::span<const float> inverse_frequency,
                   std::span<const std::int32_t> positions,
                   ThreadPool& pool);

}  // namespace nibble::ops
