/// Element-wise operations for 64-bit ARM.
///
/// Precision  float32 in 4 partial sums; sums of log_sum_exp in float64
/// Source     our own
#pragma once

#include "kernels/elementwise.h"

namespace nibble::kernels::neon {

extern const ElementwiseKernels kElementwise;

}  // namespace nibble::kernels::neon
