/// AWQ folders of version GEMM, as AutoAWQ, Transformers and vLLM read and write them: 4 bits.
///
/// Shapes     qweight i32 [cols, rows / 8], qzeros i32 [n_groups, rows / 8],
///            scales f16, bf16 or f32 [n_groups, rows]; groups divide cols
///
/// Layout     eight neighbouring outputs share a word: its nibble i, from the low end, is output
///            8 * word + (0, 2, 4, 6, 1, 3, 5, 7)[i]; zeros are stored as they are
///
/// Errors     as in packed_format.h; versions GEMV and Marlin are refused
///
/// Source     docs/formats/awq.md
#pragma once

#include "io/formats/packed_format.h"

namespace nibble::io {

PackedFormat awq_format();

}  // namespace nibble::io
