#include "codec/row_range.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"
#include "codec/dense.h"
#include "codec/int_group.h"

namespace nibble::codec {
namespace {

TEST(RowRange, DecodesTheRowsOfTheWhole) {
  std::vector<float> values(5 * 3);
  std::iota(values.begin(), values.end(), 0.0F);
  const EncodedMatrix whole = dense_matrix(Tensor::from<float>(DType::kF32, {5, 3}, values));
  const EncodedMatrix part = row_range(whole, 2, 2);
  EXPECT_EQ(part.rows, 2U);
  EXPECT_EQ(part.cols, 3U);
  EXPECT_EQ(decode_all(part), (std::vector<float>{6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(part.codec->name(), whole.codec->name());
  EXPECT_TRUE(part.codec->validate(part));
  EXPECT_FALSE(part.codec->grid(part));
}

TEST(RowRange, UnpacksTheRowsOfTheWhole) {
  IntGroupCodes codes{std::vector<std::uint8_t>(4 * 8), {1, 2, 3, 4}, {8, 8, 8, 8}};
  std::iota(codes.codes.begin(), codes.codes.end(), std::uint8_t{0});
  for (std::uint8_t& code : codes.codes) {
    code %= 16;
  }
  const EncodedMatrix whole = pack_int_group(*int_group_from_name("int4g8s"), 4, 8, codes);
  const EncodedMatrix part = row_range(whole, 1, 3);
  ASSERT_TRUE(part.codec->grid(part));
  EXPECT_EQ(part.codec->grid(part)->group, 8U);
  std::vector<std::uint8_t> row(8);
  float scale = 0;
  float offset = 0;
  part.codec->unpack_row(part, 2, row, {&scale, 1}, {&offset, 1});
  EXPECT_EQ(row, (std::vector<std::uint8_t>{8, 9, 10, 11, 12, 13, 14, 15}));
  EXPECT_EQ(scale, 4.0F);
  EXPECT_EQ(offset, -32.0F);
}

TEST(RowRange, OfNothingAndOfTooMuch) {
  const EncodedMatrix whole =
      dense_matrix(Tensor::from<float>(DType::kF32, {2, 1}, std::vector<float>{1, 2}));
  EXPECT_EQ(row_range(whole, 2, 0).rows, 0U);
  EXPECT_THROW(row_range(whole, 1, 2), Error);
}

}  // namespace
}  // namespace nibble::codec
