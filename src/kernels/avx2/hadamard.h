/// Hadamard transforms for AVX2.
///
/// Source     our own; kernels/hadamard_rows.h
#pragma once

#include "kernels/hadamard.h"

namespace nibble::kernels::avx2 {

extern const HadamardKernels kHadamard;

}  // namespace nibble::kernels::avx2
