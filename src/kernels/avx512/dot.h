/// Scalar products for AVX-512: four sums, so that none waits for its own last product.
///
/// Source     our own; kernels/dot.h
#pragma once

#include <cstddef>

namespace nibble::kernels::avx512 {

float dot(const float* x, const float* y, std::size_t n) noexcept;

}  // namespace nibble::kernels::avx512
