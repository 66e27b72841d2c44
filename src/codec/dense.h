/// Unquantized storage: float32, float16 or bfloat16, row-major.
///
///   part "values"  [rows, cols]
///
/// Errors     a missing or misshapen "values" part is kCorruptData
/// Source     our own
#pragma once

#include <memory>

#include "codec/codec.h"

namespace nibble::codec {

/// `dtype` is kF32, kF16 or kBF16; names "f32", "f16", "bf16".
std::shared_ptr<const Codec> dense_codec(DType dtype);

/// Wraps a [rows, cols] float tensor.
EncodedMatrix dense_matrix(Tensor values);

}  // namespace nibble::codec
