/// The plain loops that every fast element-wise kernel is tested against. Never optimised.
///
/// Precision  float64 inside, one rounding at the end
/// Source     our own
#pragma once

#include "kernels/elementwise.h"

namespace nibble::kernels::reference {

extern const ElementwiseKernels kElementwise;

}  // namespace nibble::kernels::reference
