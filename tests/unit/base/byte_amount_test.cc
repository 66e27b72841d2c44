#include "base/byte_amount.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(ByteAmount, ReadsUnitsOfBothKinds) {
  EXPECT_EQ(parse_byte_amount("8GiB"), 8.0 * 1024 * 1024 * 1024);
  EXPECT_EQ(parse_byte_amount("1.5 GB"), 1.5e9);
  EXPECT_EQ(parse_byte_amount("500MB"), 5e8);
  EXPECT_EQ(parse_byte_amount("3KiB"), 3072);
  EXPECT_EQ(parse_byte_amount("2kB"), 2000);
  EXPECT_EQ(parse_byte_amount("7B"), 7);
  EXPECT_EQ(parse_byte_amount("0B"), 0);
}

TEST(ByteAmount, RefusesWhatIsNone) {
  for (const char* text : {"", "8", "GB", "-1GB", "8gb", "8 GBs", "nanGB", "infGB", "GB8"}) {
    EXPECT_EQ(parse_byte_amount(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace nibble
