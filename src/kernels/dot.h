/// The scalar product of two vectors, as each instruction set provides it.
///
///   sum over i of x[i] * y[i]
///
/// Requires   no alignment
/// Precision  off by at most 1e-6 sum |x y|
/// Threads    reentrant
/// Errors     none
/// Source     our own
#pragma once

#include <cstddef>

#include "kernels/select.h"

namespace nibble::kernels {

using Dot = float (*)(const float* x, const float* y, std::size_t n) noexcept;

/// The one for the processors that `set` is for.
Dot dot_of(const KernelSet& set) noexcept;

}  // namespace nibble::kernels
