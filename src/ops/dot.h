/// The scalar product of two vectors, for searches that take one pair at a time.
///
/// Precision  off by at most 1e-6 sum |x y|
/// Threads    reentrant
/// Errors     none
/// Source     our own
#pragma once

#include <cstddef>

namespace nibble::ops {

using Dot = float (*)(const float* x, const float* y, std::size_t n) noexcept;

/// That of this process's kernels: asked for once, called often.
Dot dot_function();

}  // namespace nibble::ops
