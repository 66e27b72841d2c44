#include "io/formats/integer_weight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/gguf_blocks.h"
#include "unit/io/formats/packed_tensors.h"

namespace nibble::io {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

/// Two rows of 32 weights in a block type of GGUF: a scale, then bytes that count up.
codec::EncodedMatrix blocks(std::string_view codec, std::size_t block_bytes, std::uint16_t scale) {
  Tensor bytes = Tensor::make(DType::kU8, {2, block_bytes});
  const auto data = bytes.mutable_as<std::uint8_t>();
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<std::uint8_t>(17 * i + 3);
  }
  for (std::size_t r = 0; r < 2; ++r) {
    std::memcpy(&data[r * block_bytes], &scale, 2);
  }
  return {codec::gguf_block_codec(codec), 2, 32, {{"blocks", std::move(bytes)}}};
}

TEST(IntegerWeight, BlocksWithoutAMinimumAreSymmetricGroups) {
  const auto q4_0 = blocks("q4_0", 18, 0x2E66);
  const IntegerWeight four = integer_weight("m", q4_0);
  EXPECT_EQ(four.bits, 4U);
  EXPECT_EQ(four.group, 32U);
  EXPECT_TRUE(four.is_symmetric());
  EXPECT_EQ(codec::decode_all(integer_groups("m", four, DType::kF16)), codec::decode_all(q4_0));
  const auto q8_0 = blocks("q8_0", 34, 0xAE66);  // a negative scale
  const IntegerWeight eight = integer_weight("m", q8_0);
  EXPECT_EQ(eight.bits, 8U);
  EXPECT_EQ(codec::decode_all(integer_groups("m", eight, DType::kF16)), codec::decode_all(q8_0));
}

TEST(IntegerWeight, AGroupOfScaleZeroIsAllZeros) {
  const IntegerWeight weight = integer_weight("m", blocks("q4_0", 18, 0));
  EXPECT_THAT(weight.codes.zeros, Each(8.0F));
  EXPECT_THAT(codec::decode_all(integer_groups("m", weight, DType::kF16)), Each(0.0F));
}

TEST(IntegerWeight, RefusesWhatIsNoIntegerGrid) {
  const auto why = [](const codec::EncodedMatrix& matrix) {
    return message_of([&] { integer_weight("m", matrix); });
  };
  EXPECT_THAT(why(blocks("q4_1", 20, 0x2E66)),
              HasSubstr("not one of the codes 0 to 15: integer formats cannot hold it exactly"));
  EXPECT_THAT(why(blocks("iq4_nl", 18, 0x2E66)),
              HasSubstr("m: the values of codec iq4_nl do not lie on an integer grid"));
  codec::IntGroupCodes codes{std::vector<std::uint8_t>(8), {1.0F}, {2.5F}};
  const codec::IntGroupFormat real_zeros{4, 8, codec::ZeroKind::kFloat, DType::kF32};
  EXPECT_THAT(why(codec::pack_int_group(real_zeros, 1, 8, codes)),
              HasSubstr("m: the zero of row 0, group 0 is 2.5"));
  codes.zeros = {3.0F};  // a real zero that happens to be a code is held exactly
  EXPECT_EQ(why(codec::pack_int_group(real_zeros, 1, 8, codes)), "");
}

TEST(IntegerWeight, ScalesMustBeFloat16WhereTheFormatStoresThose) {
  IntegerWeight weight = make_integer_weight(1, 8, 4, 8);
  weight.codes.scales = {0.25F};
  EXPECT_EQ(message_of([&] { require_half_scales("m", weight); }), "");
  weight.codes.scales = {0.1F};
  EXPECT_THAT(message_of([&] { require_half_scales("m", weight); }),
              HasSubstr("m: scale 0.100000001 is no float16, which the format stores; quantize "
                        "with a codec whose name ends in 'h', such as int4g8sh"));
}

TEST(IntegerWeight, ScalesOfEitherOrientationAndType) {
  IntegerWeight weight = make_integer_weight(2, 16, 4, 8);
  const Tensor by_group = tensor_of<float>(DType::kF32, {2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(read_scales(by_group, false, weight), DType::kF32);
  EXPECT_EQ(weight.codes.scales, (std::vector<float>{1, 3, 2, 4}));
  EXPECT_EQ(read_scales(by_group, true, weight), DType::kF32);
  EXPECT_EQ(weight.codes.scales, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(read_scales(half_scales(weight, false), false, weight), DType::kF16);
  EXPECT_EQ(weight.codes.scales, (std::vector<float>{1, 2, 3, 4}));
}

TEST(IntegerWeight, GroupsThatOursCannotBeAreRefused) {
  const IntegerWeight weight = make_integer_weight(1, 24, 4, 12);
  EXPECT_THAT(message_of([&] { integer_groups("m", weight, DType::kF16); }),
              HasSubstr("m: groups of 12 are not read"));
}

}  // namespace
}  // namespace nibble::io
