/// Hadamard transforms for AVX-512.
///
/// Source     our own; kernels/hadamard_rows.h
#pragma once

#include "kernels/hadamard.h"

namespace nibble::kernels::avx512 {

extern const HadamardKernels kHadamard;

}  // namespace nibble::kernels::avx512
