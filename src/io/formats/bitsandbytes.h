/// bitsandbytes folders with 4-bit weights, NF4 and FP4, with and without double quantization.
///
/// Shapes     weight u8 [ceil(rows * cols / 2), 1]; weight.absmax f32 [n_blocks], or u8 where
///            nested; weight.quant_map f32 [16]; where nested weight.nested_absmax f32
///            [ceil(n_blocks / 256)] and weight.nested_quant_map f32 [256];
///            weight.quant_state.bitsandbytes__nf4 (or __fp4) u8 [n], a JSON text
///
/// Layout     bytes as in codec/nf4.h, which is the same format
///
/// Errors     as in packed_format.h; tables other than bitsandbytes' own are refused
///
/// Source     docs/formats/bitsandbytes.md
#pragma once

#include "io/formats/packed_format.h"

namespace nibble::io {

PackedFormat bitsandbytes_format();

}  // namespace nibble::io
