/// Scalar products by the plain loop, summed in float64.
///
/// Source     our own; kernels/dot.h
#pragma once

#include <cstddef>

namespace nibble::kernels::reference {

float dot(const float* x, const float* y, std::size_t n) noexcept;

}  // namespace nibble::kernels::reference
