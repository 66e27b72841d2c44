/// Masses of spans as their formula reads: all weights of a query, then one sum for each span.
/// Never optimised.
///
/// Precision  float64 inside, one rounding at the end
/// Errors     std::bad_alloc ends the program: it holds all weights of a query
/// Source     our own
#pragma once

#include <span>

#include "kernels/mass/mass.h"

namespace nibble::kernels::reference {

extern const MassKernels kMass;

/// Each span's part of the sum of `weights`, which are those of the keys from `first` on.
void share_weights(std::span<const double> weights,
                   std::size_t first,
                   std::span<const KeySpan> spans,
                   float* masses) noexcept;

}  // namespace nibble::kernels::reference
