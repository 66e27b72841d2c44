/// Hadamard transforms for 64-bit ARM.
///
/// Source     our own; kernels/hadamard_rows.h
#pragma once

#include "kernels/hadamard.h"

namespace nibble::kernels::neon {

extern const HadamardKernels kHadamard;

}  // namespace nibble::kernels::neon
