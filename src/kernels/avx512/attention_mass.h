/// How attention is spread over spans of keys, for AVX-512.
///
/// Source     our own
#pragma once

#include "kernels/mass/mass.h"

namespace nibble::kernels::avx512 {

extern const MassKernels kMass;

}  // namespace nibble::kernels::avx512
