/// The transform in float64: butterflies, then the base matrix as its formula reads. Also what
/// rotates weights, which are transformed once.
///
/// Precision  float64 inside; the kernel rounds once at the end
/// Source     our own
#pragma once

#include "kernels/hadamard.h"

namespace nibble::kernels::reference {

/// x [n], in place.
void hadamard(const Hadamard& h, double* x);
/// The inverse, with H transposed.
void inverse_hadamard(const Hadamard& h, double* x);

extern const HadamardKernels kHadamard;

}  // namespace nibble::kernels::reference
