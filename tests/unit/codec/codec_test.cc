#include "codec/codec.h"

#include <gtest/gtest.h>

#include "codec/dense.h"

namespace nibble::codec {
namespace {

TEST(Codec, PartsAreFoundByNameAndCounted) {
  EncodedMatrix matrix;
  matrix.parts.push_back({"codes", Tensor::make(DType::kU8, {2, 3})});
  matrix.parts.push_back({"scales", Tensor::make(DType::kF32, {2, 1})});
  EXPECT_EQ(matrix.part("scales"), &matrix.parts[1].tensor);
  EXPECT_EQ(matrix.part("zeros"), nullptr);
  EXPECT_EQ(matrix.n_bytes(), 6U + 8U);
}

TEST(Codec, ACodecWithoutAGridSaysSo) {
  const EncodedMatrix matrix = dense_matrix(Tensor::make(DType::kF32, {1, 2}));
  EXPECT_FALSE(matrix.codec->grid(matrix));
  EXPECT_THROW(matrix.codec->unpack_row(matrix, 0, {}, {}, {}), Error);
  EXPECT_THROW(matrix.codec->unpack_integer_scales(matrix, 0, {}), Error);
}

}  // namespace
}  // namespace nibble::codec
