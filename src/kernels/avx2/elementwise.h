/// Element-wise operations for AVX2 with FMA.
///
/// Requires   avx2, fma, f16c
/// Precision  float32 in 8 partial sums; sums of log_sum_exp in float64
/// Source     our own
#pragma once

#include "kernels/elementwise.h"

namespace nibble::kernels::avx2 {

extern const ElementwiseKernels kElementwise;

}  // namespace nibble::kernels::avx2
