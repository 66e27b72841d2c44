#include "codec/dense.h"

#include <gtest/gtest.h>

#include "tensor/half.h"

namespace nibble::codec {
namespace {

template <class T>
std::vector<float> decoded(DType dtype, std::initializer_list<T> values) {
  const std::vector<T> data(values);
  return decode_all(dense_matrix(Tensor::from<T>(dtype, {1, data.size()}, data)));
}

TEST(Dense, WidensEveryElementType) {
  const std::vector<float> expected = {0, 1, 100};
  EXPECT_EQ(decoded<float>(DType::kF32, {0, 1, 100}), expected);
  EXPECT_EQ(decoded<double>(DType::kF64, {0, 1, 100}), expected);
  EXPECT_EQ(decoded<std::int64_t>(DType::kI64, {0, 1, 100}), expected);
  EXPECT_EQ(decoded<std::int32_t>(DType::kI32, {0, 1, 100}), expected);
  EXPECT_EQ(decoded<std::int16_t>(DType::kI16, {0, 1, 100}), expected);
  EXPECT_EQ(decoded<std::int8_t>(DType::kI8, {0, 1, 100}), expected);
  EXPECT_EQ(decoded<std::uint8_t>(DType::kU8, {0, 1, 100}), expected);
  const std::uint16_t hundred = f32_to_f16(100);
  EXPECT_EQ(decoded<std::uint16_t>(DType::kF16, {0, 0x3C00, hundred}), expected);
  EXPECT_EQ(decoded<std::uint16_t>(DType::kBF16, {0, 0x3F80, f32_to_bf16(100)}), expected);
}

TEST(Dense, NamesAreTheDTypesInLowerCase) {
  EXPECT_EQ(dense_codec(DType::kBF16)->name(), "bf16");
  EXPECT_EQ(dense_codec(DType::kI64)->name(), "i64");
  EXPECT_EQ(dense_codec(DType::kF16)->bits_per_weight(3, 5), 16.0);
}

TEST(Dense, DecodesARangeOfRows) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const EncodedMatrix matrix = dense_matrix(Tensor::from<float>(DType::kF32, {3, 2}, values));
  std::vector<float> row(2);
  matrix.codec->decode_rows(matrix, 2, 1, row.data());
  EXPECT_EQ(row, (std::vector<float>{5, 6}));
}

TEST(Dense, RefusesAMissingPartAndAnotherShape) {
  EncodedMatrix matrix = dense_matrix(Tensor::make(DType::kF32, {3, 2}));
  EXPECT_TRUE(matrix.codec->validate(matrix));
  matrix.rows = 2;
  EXPECT_EQ(matrix.codec->validate(matrix).failure().message,
            "expected shape [2, 2], found [3, 2]");
  matrix.parts.clear();
  EXPECT_EQ(matrix.codec->validate(matrix).failure().message,
            "expected a part 'values' of dtype F32");
}

}  // namespace
}  // namespace nibble::codec
