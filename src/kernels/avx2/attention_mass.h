/// How attention is spread over spans of keys, for AVX2.
///
/// Source     our own
#pragma once

#include "kernels/mass/mass.h"

namespace nibble::kernels::avx2 {

extern const MassKernels kMass;

}  // namespace nibble::kernels::avx2
