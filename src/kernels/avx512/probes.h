/// Probes of the AVX-512 units.
///
/// Requires   AVX-512 F, VNNI and BF16
/// Source     our own
#pragma once

#include "kernels/probes.h"

namespace nibble::kernels::avx512 {

extern const Probes kProbes;

}  // namespace nibble::kernels::avx512
