/// Reorders the rows of a matrix in its encoded form, without decoding.
///
/// Requires   every part's first dimension is the number of rows (codecs that store each row by
///            itself)
/// Errors     kUnsupported names the codec and the part that mixes rows
/// Source     our own
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "codec/codec.h"

namespace nibble::model {

/// Row r of the result is row `source[r]` of `matrix`.
Result<codec::EncodedMatrix> gather_encoded_rows(const codec::EncodedMatrix& matrix,
                                                 std::span<const std::size_t> source);

/// Where each half-split row of q or k lies in a file made for interleaved RoPE:
///   half-split row  h * d + half * d/2 + i   is stored as row   h * d + 2 * i + half
std::vector<std::size_t> interleaved_rows(std::size_t n_heads, std::size_t head_dim);

}  // namespace nibble::model
