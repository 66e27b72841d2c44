/// An encoded matrix taken apart for people who study methods: one byte a code, float parameters.
///
/// Layout     integer groups: codes u8 [rows, cols]; scales f32 and zeros u8 (f32 where real)
///            [rows, n_groups]; where permuted also g_idx i32 [cols], the group of each input
///            codebooks: codes u8 [rows, cols]; codebook f32 [16]; absmax f32 [n_blocks] as
///            decoding uses it; where nested also absmax_u8 [n_blocks],
///            nested_absmax f32 [ceil(n_blocks / 256)], nested_offset f32 [1]
///            any other codec: its parts as they are
///            always: dequantized f32 [rows, cols]
/// Source     our own
#pragma once

#include <vector>

#include "codec/codec.h"

namespace nibble::quant {

std::vector<codec::Part> unpacked_parts(const codec::EncodedMatrix& matrix);

}  // namespace nibble::quant
