/// How attention is spread over spans of keys, for NEON.
///
/// Source     our own
#pragma once

#include "kernels/mass/mass.h"

namespace nibble::kernels::neon {

extern const MassKernels kMass;

}  // namespace nibble::kernels::neon
