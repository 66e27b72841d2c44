/// Attention for 64-bit ARM: scores of a few rows by a tile of transposed keys, then the weighted
/// sum of values, in float32.
///
/// Source     our own
#pragma once

#include "kernels/attention.h"

namespace nibble::kernels::neon {

extern const AttentionKernels kAttention;

}  // namespace nibble::kernels::neon
