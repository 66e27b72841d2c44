/// Checks that codecs share when they validate parts from outside.
#pragma once

#include <string_view>

#include "codec/codec.h"

namespace nibble::codec {

/// kCorruptData when the part is absent or has another dtype, kShapeMismatch with both shapes.
Result<void> check_part(const EncodedMatrix& matrix,
                        std::string_view name,
                        DType dtype,
                        const Shape& shape);

}  // namespace nibble::codec
