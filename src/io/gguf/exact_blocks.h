/// Integer groups as GGUF blocks of 32 weights, without changing a value.
///
///   code - zero in      block type
///   -8 … 7              q4_0
///   -16 … 15            q5_0
///   -128 … 127          q8_0
///
/// A group of 64 or 128 weights becomes several blocks with the same scale.
///
/// Errors     throws Error(kUnsupported) naming the module: for codecs without whole zeros, scales
///            that are no float16, groups or rows that blocks of 32 do not divide, wider ranges
/// Source     our own; docs/formats/gguf.md
#pragma once

#include <string_view>

#include "codec/codec.h"

namespace nibble::io {

codec::EncodedMatrix exact_gguf_blocks(std::string_view module, const codec::EncodedMatrix& matrix);

}  // namespace nibble::io
