/// Probes of the AVX2 units.
///
/// Requires   AVX2 with FMA
/// Source     our own
#pragma once

#include "kernels/probes.h"

namespace nibble::kernels::avx2 {

extern const Probes kProbes;

}  // namespace nibble::kernels::avx2
