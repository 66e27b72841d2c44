#include "codec/gguf_kblock.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tensor/half.h"

namespace nibble::codec {
namespace {

template <class Format>
using Block = std::array<std::uint8_t, Format::kBlock.bytes>;

void put_f16(std::uint8_t* at, float value) {
  const std::uint16_t bits = f32_to_f16(value);
  at[0] = static_cast<std::uint8_t>(bits & 0xFF);
  at[1] = static_cast<std::uint8_t>(bits >> 8);
}

/// Bytes with every code and every scale in reach, and finite float16 fields.
template <class Format>
std::vector<std::uint8_t> random_block(std::initializer_list<std::size_t> f16_at) {
  std::mt19937 rng(3);
  std::vector<std::uint8_t> block(Format::kBlock.bytes);
  std::ranges::generate(block, [&] { return static_cast<std::uint8_t>(rng()); });
  for (const std::size_t at : f16_at) {
    block[at + 1] = 0x3A;
  }
  return block;
}

template <class Format>
void expect_packs_back(std::initializer_list<std::size_t> f16_at) {
  const auto block = random_block<Format>(f16_at);
  typename Format::Unpacked unpacked{};
  SuperBlock<Format::kGroups> super;
  Format::unpack(block.data(), unpacked);
  Format::unpack_scales(block.data(), super);
  std::vector<std::uint8_t> packed(block.size(), 0xAA);
  Format::pack(super, unpacked.codes.data(), packed.data());
  EXPECT_EQ(packed, block) << Format::kName;
}

TEST(GgufKBlock, PackIsTheInverseOfUnpack) {
  expect_packs_back<Q2K>({80, 82});
  expect_packs_back<Q3K>({108});
  expect_packs_back<Q4K>({0, 2});
  expect_packs_back<Q5K>({0, 2});
  expect_packs_back<Q6K>({208});
}

TEST(GgufKBlock, Q4KSixBitScalesOfAllEightSubBlocks) {
  Block<Q4K> block{};
  put_f16(block.data(), 1.0F);
  put_f16(block.data() + 2, 0.5F);
  std::uint8_t* s = block.data() + 4;
  s[0] = 0x80 | 5;         // sub-block 0: scale 5; its upper bits are those of scale 4
  s[4] = 0x40 | 9;         // sub-block 0: min 9; its upper bits are those of min 4
  s[8] = 0x73;             // sub-block 4: scale 3 + 2 * 16, min 7 + 1 * 16
  block[16] = 0xC4;        // weight 0: 4, weight 32: 12
  block[16 + 127] = 0x9A;  // weight 223: 10, weight 255: 9
  Q4K::Unpacked out{};
  Q4K::unpack(block.data(), out);
  EXPECT_EQ(out.scales[0], 5.0F);
  EXPECT_EQ(out.offsets[0], -4.5F);
  EXPECT_EQ(out.scales[4], 35.0F);
  EXPECT_EQ(out.offsets[4], -11.5F);
  EXPECT_EQ(out.codes[0], 4);
  EXPECT_EQ(out.codes[32], 12);
  EXPECT_EQ(out.codes[223], 10);
  EXPECT_EQ(out.codes[255], 9);
}

TEST(GgufKBlock, Q5KAddsOneHighBitAChunkOf32) {
  Block<Q5K> block{};
  block[16] = 0x81;       // weight 0 and weight 224 get their fifth bit
  block[48] = 0x02;       // weight 0: 2
  block[48 + 96] = 0x30;  // weight 224: 3
  Q5K::Unpacked out{};
  Q5K::unpack(block.data(), out);
  EXPECT_EQ(out.codes[0], 18);
  EXPECT_EQ(out.codes[224], 19);
  EXPECT_EQ(out.codes[32], 0);
}

TEST(GgufKBlock, Q2KScaleAndMinimumAreNibbles) {
  Block<Q2K> block{};
  put_f16(block.data() + 80, 2.0F);
  put_f16(block.data() + 82, 1.0F);
  block[15] = 0x3C;       // sub-block 15: scale 12, min 3
  block[16] = 0xE4;       // weights 0, 32, 64, 96: 0, 1, 2, 3
  block[16 + 63] = 0x40;  // weight 255 (last pair, second half): 1
  Q2K::Unpacked out{};
  Q2K::unpack(block.data(), out);
  EXPECT_EQ(out.scales[15], 24.0F);
  EXPECT_EQ(out.offsets[15], -3.0F);
  EXPECT_EQ(out.codes[0], 0);
  EXPECT_EQ(out.codes[32], 1);
  EXPECT_EQ(out.codes[64], 2);
  EXPECT_EQ(out.codes[96], 3);
  EXPECT_EQ(out.codes[255], 1);
}

TEST(GgufKBlock, Q3KScalesLieInThreeStrips) {
  Block<Q3K> block{};
  put_f16(block.data() + 108, 1.0F);
  std::uint8_t* s = block.data() + 96;
  s[0] = 0x21;       // low nibbles of scales 0 (1) and 8 (2)
  s[8] = 0x93;       // upper bits of scales 0 (3), 4 (0), 8 (1), 12 (2)
  block[0] = 0x02;   // hmask: weight 32
  block[32] = 0x0C;  // qs: weight 32 has 3
  Q3K::Unpacked out{};
  Q3K::unpack(block.data(), out);
  EXPECT_EQ(out.scales[0], 1.0F + 48.0F - 32.0F);
  EXPECT_EQ(out.scales[8], 2.0F + 16.0F - 32.0F);
  EXPECT_EQ(out.scales[4], -32.0F);
  EXPECT_EQ(out.scales[12], 0.0F);
  EXPECT_EQ(out.codes[32], 7);
  EXPECT_EQ(out.codes[0], 0);
}

TEST(GgufKBlock, Q6KJoinsNibblesAndBitPairs) {
  Block<Q6K> block{};
  put_f16(block.data() + 208, 0.5F);
  block[192 + 1] = 0xFE;  // scale of weights 16 … 31: -2
  block[0] = 0x51;        // low bits of weights 0 (1) and 64 (5)
  block[32] = 0x62;       // low bits of weights 32 (2) and 96 (6)
  block[128] = 0xE4;      // high bits of weights 0, 32, 64, 96: 0, 1, 2, 3
  Q6K::Unpacked out{};
  Q6K::unpack(block.data(), out);
  EXPECT_EQ(out.scales[1], -1.0F);
  EXPECT_EQ(out.codes[0], 1);
  EXPECT_EQ(out.codes[32], 16 + 2);
  EXPECT_EQ(out.codes[64], 32 + 5);
  EXPECT_EQ(out.codes[96], 48 + 6);
}

}  // namespace
}  // namespace nibble::codec
