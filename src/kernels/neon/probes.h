/// Probes of the NEON units.
///
/// Requires   the dot product instructions (ASIMDDP)
/// Source     our own
#pragma once

#include "kernels/probes.h"

namespace nibble::kernels::neon {

extern const Probes kProbes;

}  // namespace nibble::kernels::neon
