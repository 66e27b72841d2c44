#include "codec/codec.h"

#include <numeric>

namespace nibble::codec {

const Tensor* EncodedMatrix::part(std::string_view name) const noexcept {
  for (const Part& p : parts) {
    if (p.name == name) {
      return &p.tensor;
    }
  }
  return nullptr;
}

std::size_t EncodedMatrix::n_bytes() const noexcept {
  return std::accumulate(
      parts.begin(), parts.end(), std::size_t{0}, [](std::size_t sum, const Part& p) {
        return sum + p.tensor.bytes().size();
      });
}

void Codec::unpack_row(const EncodedMatrix& /*matrix*/,
                       std::size_t /*row*/,
                       std::span<std::uint8_t> /*codes*/,
                       std::span<float> /*scales*/,
                       std::span<float> /*offsets*/) const {
  raise(ErrorCode::kInternal, "{}: unpack_row of a codec without a grid", name());
}

void Codec::unpack_integer_scales(const EncodedMatrix& /*matrix*/,
                                  std::size_t /*row*/,
                                  const IntegerScales& /*out*/) const {
  raise(ErrorCode::kInternal, "{}: unpack_integer_scales of a codec that has none", name());
}

std::vector<float> decode_all(const EncodedMatrix& matrix) {
  std::vector<float> out(matrix.rows * matrix.cols);
  matrix.codec->decode_rows(matrix, 0, matrix.rows, out.data());
  return out;
}

}  // namespace nibble::codec
