/// Activations rounded to a few bits, each token by its own scale, and kept as floats: what running
/// with quantized activations costs in quality.
///
///   scale = clip * max |x| / (2^(bits-1) - 1)
///   x = scale * clamp(round(x / scale), -2^(bits-1), 2^(bits-1) - 1)
///
/// With `outliers`, inputs of that size or above stay as they are and do not count for the maximum.
///
/// Precision  float32, ties to even; the bits of a row do not depend on the rows beside it
/// Threads    split over rows; reentrant for distinct x
/// Errors     none
/// Source     Ashkboos et al. 2024, arXiv 2404.00456; outliers: Dettmers et al. 2022, arXiv
///            2208.07339, which decides for an input over all tokens of a batch
#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

struct TokenRounding {
  std::size_t bits = 0;   ///< 2 to 8; 0: activations are not rounded
  float clip = 1.0F;      ///< of the largest magnitude
  float outliers = 0.0F;  ///< magnitudes from here on are kept; 0: none

  [[nodiscard]] bool is_on() const noexcept { return bits != 0; }
  bool operator==(const TokenRounding&) const = default;
};

/// Nothing when it is not on.
void round_tokens(const TokenRounding& rounding, MatrixView<float> x, ThreadPool& pool);

}  // namespace nibble::ops
