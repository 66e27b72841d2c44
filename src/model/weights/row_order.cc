#include "model/weights/row_order.h"

#include <cstring>

namespace nibble::model {

Result<codec::EncodedMatrix> gather_encoded_rows(const codec::EncodedMatrix& matrix,
                                                 std::span<const std::size_t> source) {
  NIBBLE_CHECK(source.size() == matrix.rows, "gather_encoded_rows needs one source for each row");
  codec::EncodedMatrix out{matrix.codec, matrix.rows, matrix.cols, {}};
  for (const codec::Part& part : matrix.parts) {
    const Tensor& from = part.tensor;
    if (from.shape().empty() || from.shape().front() != matrix.rows) {
      return fail(ErrorCode::kUnsupported,
                  "rows of codec {} cannot be reordered: part '{}' has shape {} for {} rows",
                  matrix.codec->name(),
                  part.name,
                  shape_text(from.shape()),
                  matrix.rows);
    }
    Tensor to = Tensor::make(from.dtype(), from.shape());
    const std::size_t row_bytes = from.bytes().size() / matrix.rows;
    for (std::size_t row = 0; row < matrix.rows; ++row) {
      std::memcpy(to.mutable_bytes().data() + row * row_bytes,
                  from.bytes().data() + source[row] * row_bytes,
                  row_bytes);
    }
    out.parts.push_back({part.name, std::move(to)});
  }
  return out;
}

std::vector<std::size_t> interleaved_rows(std::size_t n_heads, std::size_t head_dim) {
  std::vector<std::size_t> source;
  source.reserve(n_heads * head_dim);
  for (std::size_t head = 0; head < n_heads; ++head) {
    for (std::size_t half = 0; half < 2; ++half) {
      for (std::size_t pair = 0; pair < head_dim / 2; ++pair) {
        source.push_back(head * head_dim + 2 * pair + half);
      }
    }
  }
  return source;
}

}  // namespace nibble::model
