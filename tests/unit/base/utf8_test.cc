#include "base/utf8.h"

#include <gtest/gtest.h>

namespace nibble::utf8 {
namespace {

TEST(Utf8, EncodesAndDecodesEveryCodePoint) {
  for (char32_t value = 0; value <= 0x10FFFF; ++value) {
    if (value >= 0xD800 && value <= 0xDFFF) {
      continue;
    }
    std::string text;
    append(text, value);
    const CodePoint point = decode(text, 0);
    ASSERT_TRUE(point.valid);
    ASSERT_EQ(point.value, value);
    ASSERT_EQ(point.n_bytes, text.size());
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndStrayBytes) {
  for (const std::string_view bad : {"\xC0\x80",
                                     "\xE0\x80\x80",
                                     "\xED\xA0\x80",
                                     "\xF4\x90\x80\x80",
                                     "\x80",
                                     "\xFF",
                                     "\xE2\x82"}) {
    EXPECT_EQ(first_invalid(bad), 0U) << bad.size();
    EXPECT_EQ(decode(bad, 0).n_bytes, 1U);
  }
  EXPECT_EQ(first_invalid("ab\xFFz"), 2U);
  EXPECT_EQ(first_invalid("h\xC3\xA9llo"), std::nullopt);
}

TEST(Utf8, CountsCodePoints) {
  EXPECT_EQ(length(""), 0U);
  EXPECT_EQ(length("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), 4U);
  EXPECT_EQ(length("\xFF\xFF"), 2U);
}

TEST(Utf8, CompletePrefixEndsBeforeAnUnfinishedCharacter) {
  EXPECT_EQ(complete_prefix(""), 0U);
  EXPECT_EQ(complete_prefix("abc"), 3U);
  EXPECT_EQ(complete_prefix("a\xE2\x82"), 1U);
  EXPECT_EQ(complete_prefix("a\xE2\x82\xAC"), 4U);
  EXPECT_EQ(complete_prefix("\xF0\x9F\x98"), 0U);
  EXPECT_EQ(complete_prefix("a\xFF"), 2U) << "a byte that starts nothing is not waited for";
}

TEST(Utf8, StripsWhatPythonStrips) {
  EXPECT_EQ(strip(" \t\n\x0B\x1C x y\xC2\xA0\xE3\x80\x80"), "x y");
  EXPECT_EQ(rstrip(" a \xE2\x80\xA8"), " a");
  EXPECT_EQ(strip("\xE2\x80\x8B"), "\xE2\x80\x8B") << "a zero-width space is not white space";
  EXPECT_EQ(strip("   "), "");
}

}  // namespace
}  // namespace nibble::utf8
