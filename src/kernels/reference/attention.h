/// Attention as its formula reads: all scores of a query, their maximum, then the weighted sum.
/// Never optimised.
///
/// Precision  float64 inside, one rounding at the end
/// Source     our own
#pragma once

#include <span>

#include "kernels/attention.h"
#include "kernels/mass/mass.h"

namespace nibble::kernels::reference {

extern const AttentionKernels kAttention;

void sum_masses_f32(const AttentionTask& task, std::span<const KeySpan> spans) noexcept;
void sum_masses_f16(const AttentionTask& task, std::span<const KeySpan> spans) noexcept;

}  // namespace nibble::kernels::reference
