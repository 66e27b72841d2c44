/// Panels of codes: what the codec's grid becomes in the layouts of panels.h.
///
/// Source     our own
#pragma once

#include "kernels/panels.h"

namespace nibble::kernels {

/// Fills `out` (rows, cols and n_panels are set) when the weight lies on a grid; false when it does
/// not.
bool pack_codes(const codec::EncodedMatrix& weight, Panels& out, ThreadPool& pool);

/// One row of a panel of codes in float32, [cols].
void unpack_code_row(const Panels& panels, std::size_t row, float* out) noexcept;

}  // namespace nibble::kernels
