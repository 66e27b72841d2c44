/// GPTQ folders, as AutoGPTQ, GPTQModel and Transformers read and write them: 2, 3, 4 or 8 bits,
/// versions 1 and 2 of the zeros.
///
/// Shapes     qweight i32 [cols * bits / 32, rows], qzeros i32 [n_groups, rows * bits / 32],
///            scales f16, bf16 or f32 [n_groups, rows], g_idx i32 [cols]
///
/// Layout     each column of qweight is one bit stream of an output's codes (codec/bit_stream.h) in
///            little-endian words, each row of qzeros one of a group's zeros; version 1 stores
///            zeros minus one. A g_idx that is not k / group (activation order without static
///            groups) gives a permuted codec
///
/// Errors     as in packed_format.h; a version-1 zero that tools read differently is refused
///
/// Source     docs/formats/gptq.md
#pragma once

#include "io/formats/packed_format.h"

namespace nibble::io {

PackedFormat gptq_format();

}  // namespace nibble::io
