/// Some rows of an encoded matrix as a matrix of their own, for layers that run a slice at a time.
///
/// Shapes     [n, cols]; row r is row first + r of the whole
///
/// Errors     kInternal when the rows are not in the matrix
///
/// Source     our own
#pragma once

#include <cstddef>

#include "codec/codec.h"

namespace nibble::codec {

/// Shares the parts of `whole`, which lie in its codec, so that the result has none of its own.
EncodedMatrix row_range(const EncodedMatrix& whole, std::size_t first, std::size_t n);

}  // namespace nibble::codec
