/// Element-wise operations for AVX-512.
///
/// Requires   avx512f, avx512bw, avx512vl
/// Precision  float32 in 16 partial sums; sums of log_sum_exp in float64
/// Source     our own
#pragma once

#include "kernels/elementwise.h"

namespace nibble::kernels::avx512 {

extern const ElementwiseKernels kElementwise;

}  // namespace nibble::kernels::avx512
