/// Panels of codes: what the codec's grid becomes in the layouts of panels.h.
///
/// Source     our own
#pragma once

#include "kernels/panels.h"

namespace nibble::kernels {

/// Fills `out` (rows, cols and n_panels are set) when the weight lies on a grid; false when it does
/// not.
bool pack_codes(const codec::EncodedMatrix& weight, Panels& out, ThreadPool& pool);

/// A codebook as int8 levels: level[i] / multiplier is close to codebook[i]. Codebooks of integers
/// are kept; for others the multiplier is the one (of many tried, at least half of what int8 holds)
/// with the least sum of squared errors. A zero stays a zero.
struct IntegerCodebook {
  std::array<std::int8_t, 16> levels{};
  float multiplier = 1.0F;
};
IntegerCodebook round_codebook(const std::array<float, 16>& codebook) noexcept;

/// Scale and offset of group g of a row.
struct GroupScale {
  float scale;
  float offset;
};
GroupScale scale_of(const Panels& panels, std::size_t row, std::size_t g) noexcept;

/// One row of a panel of codes in float32, [cols].
void unpack_code_row(const Panels& panels, std::size_t row, float* out) noexcept;

}  // namespace nibble::kernels
