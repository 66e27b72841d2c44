#include "codec/parts.h"

namespace nibble::codec {

Result<void> check_part(const EncodedMatrix& matrix,
                        std::string_view name,
                        DType dtype,
                        const Shape& shape) {
  const Tensor* tensor = matrix.part(name);
  if (tensor == nullptr) {
    return fail(ErrorCode::kCorruptData,
                "part '{}' is missing, expected {} {}",
                name,
                dtype_name(dtype),
                shape_text(shape));
  }
  if (tensor->dtype() != dtype) {
    return fail(ErrorCode::kCorruptData,
                "part '{}': expected dtype {}, found {}",
                name,
                dtype_name(dtype),
                dtype_name(tensor->dtype()));
  }
  if (tensor->shape() != shape) {
    return fail(ErrorCode::kShapeMismatch,
                "part '{}': expected shape {}, found {}",
                name,
                shape_text(shape),
                shape_text(tensor->shape()));
  }
  return {};
}

}  // namespace nibble::codec
