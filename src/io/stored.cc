#include "io/stored.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/cancel.h"
#include "base/suggest.h"
#include "codec/dense.h"

namespace nibble::io {
namespace {

constexpr std::string_view kDigits = "0123456789";

/// The "3" of "blk.3.attn_q.weight": names of one layer have the same ones.
std::vector<std::string_view> numbers_of(std::string_view name) {
  std::vector<std::string_view> out;
  while (!name.empty()) {
    name.remove_prefix(std::min(name.find_first_of(kDigits), name.size()));
    const std::size_t length = std::min(name.find_first_not_of(kDigits), name.size());
    if (length > 0) {
      out.push_back(name.substr(0, length));
    }
    name.remove_prefix(length);
  }
  return out;
}

}  // namespace

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
  const std::vector<std::string_view> numbers = numbers_of(name);
  std::vector<std::string_view> known;
  std::ranges::copy_if(names, std::back_inserter(known), [&](std::string_view other) {
    return numbers_of(other) == numbers;  // the same tensor of another layer is no help
  });
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
