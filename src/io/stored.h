/// Helpers that every container shares: tensors as matrices, names that are not there, hashes of
/// files.
///
/// Source     our own
#pragma once

#include <span>
#include <string_view>

#include "base/hash.h"
#include "io/checkpoint.h"

namespace nibble::io {

/// Rows and columns when all leading dimensions are folded into rows; a vector is one row, a scalar
/// 1 × 1.
struct Folded {
  std::size_t rows = 1;
  std::size_t cols = 1;
};
Folded fold(std::span<const std::size_t> shape) noexcept;

/// A tensor of plain elements as a stored one.
StoredTensor dense_stored(std::string_view name, const Tensor& tensor);

/// kNotFound: "no tensor 'x' (did you mean 'y'?)"; 'y' is of the same layer as 'x'.
Failure no_such_tensor(std::string_view name, std::span<const std::string> names);

/// Feeds a file's bytes, in pieces, so that a cancelled program stops soon.
void hash_bytes(Sha256& hash, std::span<const std::byte> bytes);

}  // namespace nibble::io
