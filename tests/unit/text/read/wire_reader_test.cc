#include "text/read/wire_reader.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace nibble::text {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(WireReader, ReadsEachWireType) {
  using namespace std::string_view_literals;
  WireReader in(
      "\x08\x96\x01"          // 1: 150
      "\x12\x02hi"            // 2: "hi"
      "\x1D\x00\x00\xC0\x3F"  // 3: 1.5
      "\x21\x01\x02\x03\x04\x05\x06\x07\x08"sv);
  ASSERT_TRUE(in.next());
  EXPECT_EQ(in.field(), 1U);
  EXPECT_EQ(in.varint(), 150U);
  ASSERT_TRUE(in.next());
  EXPECT_EQ(in.bytes(), "hi");
  EXPECT_THROW(static_cast<void>(in.varint()), Error);
  ASSERT_TRUE(in.next());
  EXPECT_EQ(in.float32(), 1.5F);
  ASSERT_TRUE(in.next());
  EXPECT_EQ(in.field(), 4U);
  EXPECT_FALSE(in.next());
}

void read_all(std::string_view message) {
  for (WireReader in(message); in.next();) {
  }
}

TEST(WireReader, StaysInsideTheMessage) {
  EXPECT_THAT(
      [] { read_all("\x12\x05hi"); },
      ThrowsMessage<Error>(HasSubstr("field 2 wants 5 bytes at offset 2, the message has 2")));
  EXPECT_THAT([] { read_all("\x08\x96"); },
              ThrowsMessage<Error>(HasSubstr("ends inside a number at offset 2")));
  EXPECT_THAT([] { read_all("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"); },
              ThrowsMessage<Error>(HasSubstr("longer than 64 bits")));
  EXPECT_THAT([] { read_all("\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"); },
              ThrowsMessage<Error>(HasSubstr("wants")));
  EXPECT_THAT([] { read_all("\x0B"); },
              ThrowsMessage<Error>(HasSubstr("wire type 3, which is not known")));
}

}  // namespace
}  // namespace nibble::text
