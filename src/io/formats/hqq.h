/// Folders of the hqq library: codes, scale and a real zero for each group, and what the library
/// wants to know of a layer as tensors beside.
///
///   w = scale[i] * (code[i, j] - zero[i]),   groups i in row-major order of the weight
///
/// Shapes     R = rows * cols / group.  scale, zero f16, bf16 or f32 [R, 1];
///            W_q: 8, 6 and 5 bits u8 [R, group]; 4 bits u8 [R / 2, group], group i in the high
///            and group i + R / 2 in the low nibble; 2 bits u8 [R / 4, group], the first quarter in
///            the highest bits; 3 bits i32 [ceil(R / 10), group], tenths from bit 27 down;
///            shape i64 [2]; nbits, group_size, axis i32 []; texts and flags u8
/// Requires   groups divide the inputs; R is a multiple of 2 (4 bits) or 4 (2 bits)
/// Precision  scales and zeros are written as float16 where all are exact in it, else as float32
/// Errors     as in packed_format.h; kUnsupported for axis 0, quantized scales or zeros, 1 bit,
///            codes viewed as floats
/// Source     docs/formats/hqq.md
#pragma once

#include "io/formats/packed_format.h"

namespace nibble::io {

PackedFormat hqq_format();

}  // namespace nibble::io
