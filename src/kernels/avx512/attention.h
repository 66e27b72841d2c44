/// Attention for AVX-512: scores of a tile of queries by a tile of keys, then the weighted sum of
/// values, in float32.
///
/// Keys of a tile are transposed once, so that 16 keys fill a register and no sum runs across one.
/// The queries of all heads that share the keys go through the tile together.
///
/// Requires   avx512f, avx512bw, avx512vl
/// Source     our own
#pragma once

#include "kernels/attention.h"

namespace nibble::kernels::avx512 {

extern const AttentionKernels kAttention;

}  // namespace nibble::kernels::avx512
