/// Folders of compressed-tensors (llm-compressor, vLLM) in the format pack-quantized: integers of 4
/// or 8 bits in groups, or one group a row.
///
/// Shapes     weight_packed i32 [rows, ceil(cols * bits / 32)], weight_scale f16, bf16 or f32
///            [rows, n_groups], weight_zero_point i32 [ceil(rows * bits / 32), n_groups] unless
///            symmetric, weight_shape i64 or i32 [2], weight_g_idx i32 [cols] where the groups
///            follow an activation order; groups divide cols
///
/// Layout     each row of weight_packed and each column of weight_zero_point is one bit stream in
///            little-endian words; codes and zeros are stored plus 2^(bits-1), so unsigned as ours
///
/// Errors     as in packed_format.h; other formats of compressed-tensors and activations that are
///            quantized too are refused
///
/// Source     docs/formats/compressed-tensors.md
#pragma once

#include "io/formats/packed_format.h"

namespace nibble::io {

PackedFormat compressed_tensors_format();

}  // namespace nibble::io
