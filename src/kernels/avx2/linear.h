/// Panel kernels for AVX2 with FMA: two ymm registers hold a column of the 16 rows of a panel.
///
/// Dense weights stay in bfloat16 and are widened in the loop; activations stay in float32 there.
/// Codes multiply int8 activations by vpmaddubsw, split into nibbles so that no 16-bit sum can
/// saturate.
///
/// Requires   avx2, fma, f16c
/// Source     our own
#pragma once

#include "kernels/linear.h"

namespace nibble::kernels::avx2 {

extern const LinearKernels kLinear;

void multiply_f32(const PanelTask& task) noexcept;
void multiply_bf16(const PanelTask& task) noexcept;
void multiply_int2(const PanelTask& task) noexcept;
void multiply_int3(const PanelTask& task) noexcept;
void multiply_int4(const PanelTask& task) noexcept;
void multiply_int5(const PanelTask& task) noexcept;
void multiply_int6(const PanelTask& task) noexcept;
void multiply_int8(const PanelTask& task) noexcept;
void multiply_lut4(const PanelTask& task) noexcept;

void pack_f32(const PackTask& task) noexcept;
void pack_int8(const PackTask& task) noexcept;

}  // namespace nibble::kernels::avx2
