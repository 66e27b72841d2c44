#include "codec/dense.h"

#include <algorithm>
#include <cstring>

#include "tensor/half.h"

namespace nibble::codec {
namespace {

class Dense final : public Codec {
 public:
  explicit Dense(DType dtype) : dtype_(dtype) {}

  std::string name() const override {
    return dtype_ == DType::kF32 ? "f32" : dtype_ == DType::kF16 ? "f16" : "bf16";
  }
  double bits_per_weight(std::size_t /*rows*/, std::size_t /*cols*/) const override {
    return 8.0 * static_cast<double>(dtype_bytes(dtype_));
  }
  Result<void> validate(const EncodedMatrix& matrix) const override {
    const Tensor* values = matrix.part("values");
    if (values == nullptr || values->dtype() != dtype_) {
      return fail(ErrorCode::kCorruptData, "expected a part 'values' of dtype {}", dtype_name(dtype_));
    }
    if (values->shape() != Shape{matrix.rows, matrix.cols}) {
      return fail(ErrorCode::kShapeMismatch,
                  "expected shape [{}, {}], found {}",
                  matrix.rows,
                  matrix.cols,
                  shape_text(values->shape()));
    }
    return {};
  }
  void decode_rows(const EncodedMatrix& matrix,
                   std::size_t first,
                   std::size_t n,
                   float* out) const override {
    const Tensor& values = *matrix.part("values");
    const std::size_t offset = first * matrix.cols;
    const std::size_t count = n * matrix.cols;
    if (dtype_ == DType::kF32) {
      std::ranges::copy(values.as<float>().subspan(offset, count), out);
      return;
    }
    const auto bits = values.as<std::uint16_t>().subspan(offset, count);
    std::ranges::transform(bits, out, dtype_ == DType::kF16 ? f16_to_f32 : bf16_to_f32);
  }

 private:
  DType dtype_;
};

}  // namespace

std::shared_ptr<const Codec> dense_codec(DType dtype) {
  NIBBLE_CHECK(dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16,
               "dense_codec of a dtype that is not a float");
  return std::make_shared<const Dense>(dtype);
}

EncodedMatrix dense_matrix(Tensor values) {
  NIBBLE_CHECK(values.shape().size() == 2, "dense_matrix of a tensor that is not a matrix");
  EncodedMatrix out;
  out.codec = dense_codec(values.dtype());
  out.rows = values.shape()[0];
  out.cols = values.shape()[1];
  out.parts.push_back({"values", std::move(values)});
  return out;
}

}  // namespace nibble::codec
