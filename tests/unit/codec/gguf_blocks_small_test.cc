#include "codec/gguf_blocks_small.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tensor/half.h"

namespace nibble::codec {
namespace {

/// A block that begins with these float16 fields; the rest is zero.
template <class Format>
std::array<std::uint8_t, Format::kBlock.bytes> block_with(std::initializer_list<float> fields) {
  std::array<std::uint8_t, Format::kBlock.bytes> block{};
  std::size_t at = 0;
  for (const float field : fields) {
    const std::uint16_t bits = f32_to_f16(field);
    block[at++] = static_cast<std::uint8_t>(bits & 0xFF);
    block[at++] = static_cast<std::uint8_t>(bits >> 8);
  }
  return block;
}

template <class Format>
void expect_packs_back(bool has_minimum) {
  std::mt19937 rng(3);
  std::vector<std::uint8_t> block(Format::kBlock.bytes);
  std::ranges::generate(block, [&] { return static_cast<std::uint8_t>(rng()); });
  block[1] = 0x3A;  // finite float16
  block[3] = has_minimum ? 0xBA : block[3];
  typename Format::Unpacked unpacked{};
  Format::unpack(block.data(), unpacked);
  const SmallBlock in{unpacked.scales[0], unpacked.offsets[0], unpacked.codes};
  std::vector<std::uint8_t> packed(block.size(), 0xAA);
  Format::pack(in, packed.data());
  EXPECT_EQ(packed, block) << Format::kName;
}

TEST(GgufBlocksSmall, PackIsTheInverseOfUnpack) {
  expect_packs_back<Q4_0>(false);
  expect_packs_back<Q4_1>(true);
  expect_packs_back<Q5_0>(false);
  expect_packs_back<Q5_1>(true);
  expect_packs_back<Q8_0>(false);
}

TEST(GgufBlocksSmall, NibblesAreLowHalfThenHighHalf) {
  auto block = block_with<Q4_0>({0.5F});
  block[2] = 0xA3;   // weight 0: 3, weight 16: 10
  block[17] = 0x0F;  // weight 15: 15, weight 31: 0
  Q4_0::Unpacked out{};
  Q4_0::unpack(block.data(), out);
  EXPECT_EQ(out.scales[0], 0.5F);
  EXPECT_EQ(out.codes[0], 3);
  EXPECT_EQ(out.codes[16], 10);
  EXPECT_EQ(out.codes[15], 15);
  EXPECT_EQ(out.codes[31], 0);
}

TEST(GgufBlocksSmall, Q4_1HasItsMinimumAfterTheScale) {
  auto block = block_with<Q4_1>({0.25F, -1.5F});
  block[4] = 0x21;
  Q4_1::Unpacked out{};
  Q4_1::unpack(block.data(), out);
  EXPECT_EQ(out.scales[0], 0.25F);
  EXPECT_EQ(out.offsets[0], -1.5F);
  EXPECT_EQ(out.codes[0], 1);
  EXPECT_EQ(out.codes[16], 2);
}

TEST(GgufBlocksSmall, FifthBitsComeFromTheWordBeforeTheNibbles) {
  auto block = block_with<Q5_0>({1.0F});
  block[2] = 0x01;  // bit 0: weight 0
  block[4] = 0x01;  // bit 16: weight 16
  block[6] = 0x72;
  Q5_0::Unpacked out{};
  Q5_0::unpack(block.data(), out);
  EXPECT_EQ(out.codes[0], 16 + 2);
  EXPECT_EQ(out.codes[16], 16 + 7);
  EXPECT_EQ(out.codes[1], 0);

  auto with_min = block_with<Q5_1>({1.0F, 2.0F});
  with_min[7] = 0x80;  // bit 31
  with_min[23] = 0x50;
  Q5_1::Unpacked out1{};
  Q5_1::unpack(with_min.data(), out1);
  EXPECT_EQ(out1.offsets[0], 2.0F);
  EXPECT_EQ(out1.codes[31], 16 + 5);
}

TEST(GgufBlocksSmall, Q8_0CodesAreSignedBytesPlus128) {
  auto block = block_with<Q8_0>({1.0F});
  block[2] = 0x80;   // -128
  block[3] = 0xFF;   // -1
  block[33] = 0x7F;  // 127
  Q8_0::Unpacked out{};
  Q8_0::unpack(block.data(), out);
  EXPECT_EQ(out.codes[0], 0);
  EXPECT_EQ(out.codes[1], 127);
  EXPECT_EQ(out.codes[2], 128);
  EXPECT_EQ(out.codes[31], 255);
}

}  // namespace
}  // namespace nibble::codec
