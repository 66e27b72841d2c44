/// Unquantized storage: one element type, row-major.
///
///   part "values"  [rows, cols]
///
/// Weights are float32, float16 or bfloat16 ("f32", "f16", "bf16"). The other element types are
/// here so that every tensor of a file has a codec; their names are the lower-case dtype names
/// ("i64").
///
/// Precision  `decode_rows` is exact except for F64 and for integers above 2^24, which round to
///            nearest
/// Errors     a missing or misshapen "values" part is kCorruptData
/// Source     our own
#pragma once

#include <memory>

#include "codec/codec.h"

namespace nibble::codec {

std::shared_ptr<const Codec> dense_codec(DType dtype);

/// Wraps a [rows, cols] tensor.
EncodedMatrix dense_matrix(Tensor values);

}  // namespace nibble::codec
