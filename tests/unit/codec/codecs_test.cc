#include "codec/codecs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::codec {
namespace {

using ::testing::HasSubstr;

TEST(Codecs, EachExampleNameLeadsToACodecOfThatName) {
  for (const CodecRow& row : codec_table()) {
    EXPECT_FALSE(row.examples.empty()) << row.pattern;
    for (const std::string_view name : row.examples) {
      const auto codec = codec_from_name(name);
      ASSERT_TRUE(codec) << name;
      EXPECT_EQ((*codec)->name(), name);
    }
  }
}

TEST(Codecs, ANameBelongsToOneRowOnly) {
  for (const CodecRow& row : codec_table()) {
    for (const std::string_view name : row.examples) {
      for (const CodecRow& other : codec_table()) {
        EXPECT_EQ(other.parse(name) != nullptr, &other == &row) << name << " in " << other.pattern;
      }
    }
  }
}

TEST(Codecs, AnUnknownNameGetsTheNearestOne) {
  const auto codec = codec_from_name("q4_q");
  ASSERT_FALSE(codec);
  EXPECT_EQ(codec.failure().code, ErrorCode::kUnsupported);
  EXPECT_THAT(codec.failure().message, HasSubstr("unknown codec 'q4_q' (did you mean 'q4_"));
}

}  // namespace
}  // namespace nibble::codec
