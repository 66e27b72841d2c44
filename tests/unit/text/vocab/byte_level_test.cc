#include "text/vocab/byte_level.h"

#include <gtest/gtest.h>

namespace nibble::text {
namespace {

TEST(ByteLevel, SpellsAsGpt2Does) {
  EXPECT_EQ(spelling_of_bytes(" the\n"), "ĠtheĊ");
  EXPECT_EQ(spelling_of_bytes("é"), "Ã©");
  EXPECT_EQ(spelling_of_bytes(std::string_view("\0\xAD", 2)), "ĀŃ");
}

TEST(ByteLevel, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all.push_back(static_cast<char>(byte));
  }
  EXPECT_EQ(bytes_of_spelling(spelling_of_bytes(all)), all);
}

TEST(ByteLevel, OtherCharactersSpellNoByte) {
  EXPECT_EQ(bytes_of_spelling("a b"), std::nullopt);
  EXPECT_EQ(bytes_of_spelling("漢"), std::nullopt);
  EXPECT_EQ(bytes_of_spelling("\u00AD"), std::nullopt);
}

}  // namespace
}  // namespace nibble::text
