/// A matrix product as its formula reads. Never optimised.
///
///   y[t, r] = sum over c of w[r, c] * x[t, c]
///
/// Precision  float64 inside, one rounding at the end
/// Source     our own
#pragma once

#include "tensor/matrix_view.h"

namespace nibble::kernels::reference {

void linear(MatrixView<const float> w, MatrixView<const float> x, MatrixView<float> y) noexcept;

}  // namespace nibble::kernels::reference
