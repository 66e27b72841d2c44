#include "codec/bit_stream.h"

#include <gmock/gmock.h>

#include <vector>

namespace nibble::codec {
namespace {

using ::testing::ElementsAre;

std::vector<std::uint8_t> pack(const std::vector<std::uint8_t>& codes, std::size_t bits) {
  std::vector<std::uint8_t> bytes(packed_bytes(codes.size(), bits));
  pack_codes(codes, bits, bytes);
  return bytes;
}

TEST(BitStream, FourBitsPutEvenCodesInTheLowNibble) {
  EXPECT_THAT(pack({0, 1, 2, 3, 4, 5, 6, 7}, 4), ElementsAre(0x10, 0x32, 0x54, 0x76));
}

TEST(BitStream, ThreeBitCodesStraddleBytes) {
  // 0 … 7 as a little-endian stream: 0xFAC688.
  EXPECT_THAT(pack({0, 1, 2, 3, 4, 5, 6, 7}, 3), ElementsAre(0x88, 0xC6, 0xFA));
}

TEST(BitStream, TailTakesOnlyTheBytesThatItNeeds) {
  EXPECT_EQ(packed_bytes(0, 3), 0U);
  EXPECT_EQ(packed_bytes(1, 3), 1U);
  EXPECT_EQ(packed_bytes(9, 3), 4U);
  EXPECT_EQ(packed_bytes(5, 2), 2U);
  EXPECT_EQ(packed_bytes(3, 8), 3U);
  EXPECT_THAT(pack({1, 2, 3}, 2), ElementsAre(0b111001));
}

TEST(BitStream, UnpackingUndoesPackingForEveryWidthAndLength) {
  for (std::size_t bits = 1; bits <= 8; ++bits) {
    for (std::size_t n = 0; n < 40; ++n) {
      std::vector<std::uint8_t> codes(n);
      for (std::size_t i = 0; i < n; ++i) {
        codes[i] = static_cast<std::uint8_t>((i * 37 + 11) & ((1U << bits) - 1U));
      }
      std::vector<std::uint8_t> back(n, 0xEE);
      unpack_codes(pack(codes, bits), bits, back);
      EXPECT_EQ(back, codes) << bits << " bits, " << n << " codes";
    }
  }
}

}  // namespace
}  // namespace nibble::codec
