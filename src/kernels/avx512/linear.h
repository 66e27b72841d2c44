/// Panel kernels for AVX-512 with VBMI, VNNI and BF16: one zmm register holds a column (or four) of
/// the 16 rows of a panel.
///
/// The register tile is 16 rows by up to 12 tokens: 12 float32 sums and 12 int32 dots fit the 32
/// registers. Of floats it is 32 rows by 12 tokens, their totals in the first-level cache.
///
/// Requires   avx512f, avx512bw, avx512vl, avx512vbmi, avx512vnni, avx512bf16
/// Source     our own
#pragma once

#include "kernels/linear.h"

namespace nibble::kernels::avx512 {

extern const LinearKernels kLinear;
/// The same but for bfloat16 weights: widened to float32 and multiplied by FMA.
extern const LinearKernels kLinearFma;

/// Tiles of the full width that one call of a float kernel takes: their totals, 12 KiB, stay in the
/// first-level cache beside a run of weights and one of inputs.
inline constexpr std::size_t kFloatTilesAtOnce = 8;

void multiply_f32(const PanelTask& task) noexcept;
void multiply_bf16(const PanelTask& task) noexcept;
void multiply_widened_bf16(const PanelTask& task) noexcept;
void multiply_int2(const PanelTask& task) noexcept;
void multiply_int3(const PanelTask& task) noexcept;
void multiply_int4(const PanelTask& task) noexcept;
void multiply_int5(const PanelTask& task) noexcept;
void multiply_int6(const PanelTask& task) noexcept;
void multiply_int8(const PanelTask& task) noexcept;
void multiply_lut4(const PanelTask& task) noexcept;

void pack_f32(const PackTask& task) noexcept;
void pack_bf16(const PackTask& task) noexcept;
void pack_int8(const PackTask& task) noexcept;

}  // namespace nibble::kernels::avx512
