/// Scalar products for 64-bit ARM: four sums, so that none waits for its own last product.
///
/// Source     our own; kernels/dot.h
#pragma once

#include <cstddef>

namespace nibble::kernels::neon {

float dot(const float* x, const float* y, std::size_t n) noexcept;

}  // namespace nibble::kernels::neon
