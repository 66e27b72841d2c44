#include "codec/gguf_iq4.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nibble::codec {
namespace {

TEST(GgufIq4, LevelsRiseAndAreNotSymmetric) {
  EXPECT_TRUE(std::ranges::is_sorted(kIq4Levels));
  EXPECT_EQ(kIq4Levels.front(), -127.0F);
  EXPECT_EQ(kIq4Levels[8], 1.0F);
  EXPECT_EQ(kIq4Levels.back(), 113.0F);
}

TEST(GgufIq4, NlIsAScaleAndSixteenBytes) {
  std::array<std::uint8_t, 18> block{};
  block[1] = 0x3C;  // 1.0
  block[2] = 0x8F;
  Iq4Nl::Unpacked out{};
  Iq4Nl::unpack(block.data(), out);
  EXPECT_EQ(out.scales[0], 1.0F);
  EXPECT_EQ(out.codes[0], 15);
  EXPECT_EQ(out.codes[16], 8);
}

TEST(GgufIq4, XsScalesHaveFourLowAndTwoHighBits) {
  std::array<std::uint8_t, 136> block{};
  block[1] = 0x3C;
  block[2] = 0x0D;  // high bits of sub-blocks 0 and 1: 1, 3
  block[3] = 0x80;  // of sub-block 7: 2
  block[4] = 0xA7;  // low bits of sub-blocks 0 and 1: 7, 10
  block[7] = 0x50;  // of sub-block 7: 5
  block[8 + 16 * 7] = 0x21;
  Iq4Xs::Unpacked out{};
  Iq4Xs::unpack(block.data(), out);
  EXPECT_EQ(out.scales[0], 7.0F + 16.0F - 32.0F);
  EXPECT_EQ(out.scales[1], 10.0F + 48.0F - 32.0F);
  EXPECT_EQ(out.scales[7], 5.0F + 32.0F - 32.0F);
  EXPECT_EQ(out.codes[224], 1);
  EXPECT_EQ(out.codes[240], 2);
}

TEST(GgufIq4, PackIsTheInverseOfUnpack) {
  std::array<std::uint8_t, 136> block{};
  for (std::size_t i = 0; i < block.size(); ++i) {
    block[i] = static_cast<std::uint8_t>(37 * i + 11);
  }
  block[0] = 0x00;
  block[1] = 0x3C;  // d = 1, so that the scales are the integers
  Iq4Xs::Unpacked xs{};
  Iq4Xs::unpack(block.data(), xs);
  Iq4Block<8> in{.d = 1.0F, .codes = xs.codes};
  std::ranges::transform(
      xs.scales, in.scales.begin(), [](float s) { return static_cast<std::int8_t>(s); });
  std::array<std::uint8_t, 136> packed{};
  packed.fill(0xAA);
  Iq4Xs::pack(in, packed.data());
  EXPECT_EQ(packed, block);

  Iq4Nl::Unpacked nl{};
  Iq4Nl::unpack(block.data(), nl);
  std::array<std::uint8_t, 18> packed_nl{};
  Iq4Nl::pack({.d = 1.0F, .codes = nl.codes}, packed_nl.data());
  EXPECT_TRUE(std::equal(packed_nl.begin(), packed_nl.end(), block.begin()));
}

}  // namespace
}  // namespace nibble::codec
