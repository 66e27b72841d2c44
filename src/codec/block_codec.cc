#include "codec/block_codec.h"

#include "base/checked_math.h"

namespace nibble::codec {

double BlockCodec::bits_per_weight(std::size_t /*rows*/, std::size_t /*cols*/) const {
  return 8.0 * static_cast<double>(block_.bytes) / static_cast<double>(block_.weights);
}

Result<void> BlockCodec::validate(const EncodedMatrix& matrix) const {
  if (matrix.parts.size() != 1 || matrix.parts.front().name != "blocks" ||
      matrix.parts.front().tensor.dtype() != DType::kU8) {
    return fail(ErrorCode::kCorruptData, "{}: expected one part 'blocks' of dtype U8", name_);
  }
  if (matrix.cols % block_.weights != 0) {
    return fail(ErrorCode::kShapeMismatch,
                "{}: {} columns, expected a multiple of {}",
                name_,
                matrix.cols,
                block_.weights);
  }
  const Shape expected{matrix.rows, row_bytes(matrix.cols)};
  const Shape& found = matrix.parts.front().tensor.shape();
  if (found != expected) {
    return fail(ErrorCode::kShapeMismatch,
                "{}: blocks of shape {}, expected {}",
                name_,
                shape_text(found),
                shape_text(expected));
  }
  return {};
}

EncodedMatrix block_matrix(std::shared_ptr<const BlockCodec> codec,
                           std::size_t rows,
                           std::size_t cols,
                           Tensor blocks) {
  EncodedMatrix out;
  out.codec = std::move(codec);
  out.rows = rows;
  out.cols = cols;
  out.parts.push_back({"blocks", std::move(blocks)});
  return out;
}

}  // namespace nibble::codec
