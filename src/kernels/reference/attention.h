/// Attention as its formula reads: all scores of a query, their maximum, then the weighted sum.
/// Never optimised.
///
/// Precision  float64 inside, one rounding at the end
/// Source     our own
#pragma once

#include "kernels/attention.h"

namespace nibble::kernels::reference {

extern const AttentionKernels kAttention;

}  // namespace nibble::kernels::reference
