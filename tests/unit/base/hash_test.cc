#include "base/hash.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(Sha256, EqualsTheStandardsExamples) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, BytesMayComeInPieces) {
  const std::string_view text = "abc";
  Sha256 hash;
  for (const char& c : text) {
    hash.bytes(std::as_bytes(std::span(&c, 1)));
  }
  EXPECT_EQ(hash.hex(), sha256_hex(text));
}

TEST(Sha256, FieldsDoNotRunTogether) {
  EXPECT_NE(Sha256().field("ab").field("c").hex(), Sha256().field("a").field("bc").hex());
  EXPECT_EQ(Sha256().field("ab").field("c").hex(), Sha256().field("ab").field("c").hex());
}

}  // namespace
}  // namespace nibble
