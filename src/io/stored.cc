#include "io/stored.h"

#include <algorithm>

#include "base/cancel.h"
#include "base/suggest.h"
#include "codec/dense.h"

namespace nibble::io {

Folded fold(std::span<const std::size_t> shape) noexcept {
  Folded out;
  if (shape.empty()) {
    return out;
  }
  out.cols = shape.back();
  for (const std::size_t dim : shape.first(shape.size() - 1)) {
    out.rows *= dim;
  }
  return out;
}

StoredTensor dense_stored(std::string_view name, const Tensor& tensor) {
  const auto [rows, cols] = fold(tensor.shape());
  return {std::string(name), tensor.shape(), codec::dense_matrix(tensor.reshaped({rows, cols}))};
}

Failure no_such_tensor(std::string_view name, std::span<const std::string> names) {
  const std::vector<std::string_view> known(names.begin(), names.end());
  return fail(ErrorCode::kNotFound, "no tensor '{}'{}", name, did_you_mean(name, known));
}

void hash_bytes(Sha256& hash, std::span<const std::byte> bytes) {
  constexpr std::size_t kPiece = std::size_t{1} << 24;
  while (!bytes.empty()) {
    cancel_flag().check();
    const auto piece = bytes.first(std::min(bytes.size(), kPiece));
    hash.bytes(piece);
    bytes = bytes.subspan(piece.size());
  }
}

}  // namespace nibble::io
