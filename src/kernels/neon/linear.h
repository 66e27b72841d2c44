/// Panel kernels for 64-bit ARM: four q registers hold a column (or four columns of codes) of the
/// 16 rows of a panel.
///
/// Codes multiply int8 activations by SDOT, whose lane form takes four columns of one token from a
/// register of sixteen. SDOT is signed: levels of 8 bits are counted from 128
/// (PanelKernel::origin).
/// Dense weights stay in bfloat16 and are widened in the loop; activations stay in float32 there.
///
/// Requires   the dot product instructions (ASIMDDP)
/// Source     our own
#pragma once

#include "kernels/linear.h"

namespace nibble::kernels::neon {

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

}  // namespace nibble::kernels::neon
