#include "codec/dense.h"

#include <algorithm>

#include "tensor/half.h"

namespace nibble::codec {
namespace {

template <class T>
void widen(const Tensor& values, std::size_t offset, std::size_t count, float* out) {
  std::ranges::transform(values.as<T>().subspan(offset, count), out, [](T value) {
    return static_cast<float>(value);
  });
}

void decode(const Tensor& values, std::size_t offset, std::size_t count, float* out) {
  const auto halves = [&] { return values.as<std::uint16_t>().subspan(offset, count); };
  switch (values.dtype()) {
    case DType::kF32:
      return widen<float>(values, offset, count, out);
    case DType::kF16:
      std::ranges::transform(halves(), out, f16_to_f32);
      return;
    case DType::kBF16:
      std::ranges::transform(halves(), out, bf16_to_f32);
      return;
    case DType::kF64:
      return widen<double>(values, offset, count, out);
    case DType::kI64:
      return widen<std::int64_t>(values, offset, count, out);
    case DType::kI32:
      return widen<std::int32_t>(values, offset, count, out);
    case DType::kI16:
      return widen<std::int16_t>(values, offset, count, out);
    case DType::kI8:
      return widen<std::int8_t>(values, offset, count, out);
    case DType::kU8:
    case DType::kBool:
      return widen<std::uint8_t>(values, offset, count, out);
  }
}

class Dense final : public Codec {
 public:
  explicit Dense(DType dtype) : dtype_(dtype) {}

  std::string name() const override {
    std::string name(dtype_name(dtype_));
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return name;
  }
  double bits_per_weight(std::size_t /*rows*/, std::size_t /*cols*/) const override {
    return 8.0 * static_cast<double>(dtype_bytes(dtype_));
  }
  Result<void> validate(const EncodedMatrix& matrix) const override {
    const Tensor* values = matrix.part("values");
    if (values == nullptr || values->dtype() != dtype_) {
      return fail(
          ErrorCode::kCorruptData, "expected a part 'values' of dtype {}", dtype_name(dtype_));
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
    decode(*matrix.part("values"), first * matrix.cols, n * matrix.cols, out);
  }

 private:
  DType dtype_;
};

}  // namespace

std::shared_ptr<const Codec> dense_codec(DType dtype) {
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
