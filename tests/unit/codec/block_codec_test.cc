#include "codec/block_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/gguf_blocks.h"

namespace nibble::codec {
namespace {

using ::testing::HasSubstr;

EncodedMatrix q8_matrix(std::size_t rows, std::size_t cols) {
  const auto codec = gguf_block_codec("q8_0");
  Tensor blocks = Tensor::make(DType::kU8, {rows, codec->row_bytes(cols)});
  const auto bytes = blocks.mutable_as<std::uint8_t>();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t field = i % 34;
    bytes[i] = field == 0 ? 0 : field == 1 ? 0x3C : static_cast<std::uint8_t>(i * 7);
  }
  return block_matrix(codec, rows, cols, std::move(blocks));
}

TEST(BlockCodec, DecodesAnyRangeOfRows) {
  const EncodedMatrix matrix = q8_matrix(5, 64);
  const std::vector<float> all = decode_all(matrix);
  std::vector<float> part(2 * 64);
  matrix.codec->decode_rows(matrix, 2, 2, part.data());
  EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 2 * 64));
}

TEST(BlockCodec, RefusesColumnsThatNoBlockDivides) {
  EncodedMatrix matrix = q8_matrix(2, 64);
  matrix.cols = 48;
  const auto checked = matrix.codec->validate(matrix);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.failure().code, ErrorCode::kShapeMismatch);
  EXPECT_EQ(checked.failure().message, "q8_0: 48 columns, expected a multiple of 32");
}

TEST(BlockCodec, RefusesBlocksOfAnotherShape) {
  EncodedMatrix matrix = q8_matrix(2, 64);
  matrix.rows = 3;
  const auto checked = matrix.codec->validate(matrix);
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.failure().message, HasSubstr("[2, 68], expected [3, 68]"));
}

TEST(BlockCodec, RefusesOtherParts) {
  EncodedMatrix matrix = q8_matrix(1, 32);
  matrix.parts.front().name = "codes";
  EXPECT_EQ(matrix.codec->validate(matrix).failure().code, ErrorCode::kCorruptData);
  matrix.parts.clear();
  EXPECT_EQ(matrix.codec->validate(matrix).failure().code, ErrorCode::kCorruptData);
}

TEST(BlockCodec, ReadsLittleEndianFloat16) {
  const std::array<std::uint8_t, 2> one_and_a_half = {0x00, 0x3E};
  EXPECT_EQ(read_f16(one_and_a_half.data()), 1.5F);
}

}  // namespace
}  // namespace nibble::codec
