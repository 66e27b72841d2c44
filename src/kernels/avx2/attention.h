/// Attention for AVX2: scores of a few rows by a tile of transposed keys, then the weighted sum of
/// values, in float32.
///
/// Requires   avx2, fma, f16c
/// Source     our own
#pragma once

#include "kernels/attention.h"

namespace nibble::kernels::avx2 {

extern const AttentionKernels kAttention;

}  // namespace nibble::kernels::avx2
