/// Panel kernels in plain C++, for processors without a set of their own and as the plainest
/// reading of the layouts.
///
/// Source     our own
#pragma once

#include "kernels/linear.h"

namespace nibble::kernels::generic {

extern const LinearKernels kLinear;

}  // namespace nibble::kernels::generic
