/// Probes in plain C++: what the compiler makes of them for any processor.
///
/// Source     our own
#pragma once

#include "kernels/probes.h"

namespace nibble::kernels::generic {

extern const Probes kProbes;

}  // namespace nibble::kernels::generic
