#include "text/unicode/categories.h"

#include <gtest/gtest.h>

namespace nibble::text {
namespace {

TEST(Categories, ClassesFollowUnicode) {
  EXPECT_EQ(classify('a'), CharClass::kLetter);
  EXPECT_EQ(classify(U'ß'), CharClass::kLetter);
  EXPECT_EQ(classify(U'漢'), CharClass::kLetter);
  EXPECT_EQ(classify('7'), CharClass::kNumber);
  EXPECT_EQ(classify(U'½'), CharClass::kNumber);
  EXPECT_EQ(classify(U'Ⅳ'), CharClass::kNumber);
  EXPECT_EQ(classify('_'), CharClass::kOther);
  EXPECT_EQ(classify(U'\u0301'), CharClass::kOther);
}

TEST(Categories, WhiteSpaceIsOnigurumas) {
  for (const char32_t value :
       {U'\t', U'\v', U'\f', U'\r', U' ', U'\u0085', U'\u00A0', U'\u2028', U'\u3000'}) {
    EXPECT_EQ(classify(value), CharClass::kSpace) << static_cast<unsigned>(value);
  }
  // Python's str.isspace has U+001C, older Unicode had U+180E.
  for (const char32_t value : {U'\u001C', U'\u180E', U'\u200B'}) {
    EXPECT_EQ(classify(value), CharClass::kOther) << static_cast<unsigned>(value);
  }
}

TEST(Categories, ScanAgreesWithClassifyAndEndsTheText) {
  const std::string_view text = "a½\xF0\x9F\x98\x80";
  const ScannedChar half = scan_char(text, 1);
  EXPECT_EQ(half.value, U'½');
  EXPECT_EQ(half.n_bytes, 2U);
  EXPECT_EQ(half.kind, CharClass::kNumber);
  EXPECT_EQ(scan_char(text, 3).n_bytes, 4U);
  EXPECT_EQ(scan_char(text, text.size()).n_bytes, 0U);
  for (char32_t value = 0; value < 128; ++value) {
    const char byte = static_cast<char>(value);
    EXPECT_EQ(scan_char({&byte, 1}, 0).kind, classify(value));
  }
}

TEST(Categories, BertClasses) {
  EXPECT_TRUE(is_bert_punctuation('$'));  // a symbol, but ASCII
  EXPECT_TRUE(is_bert_punctuation(U'。'));
  EXPECT_FALSE(is_bert_punctuation(U'€'));
  EXPECT_TRUE(is_bert_control(U'\u200B'));
  EXPECT_TRUE(is_bert_control(U'\uE000'));
  EXPECT_FALSE(is_bert_control('\n'));
  EXPECT_FALSE(is_bert_control(U'\u0378'));  // unassigned
  EXPECT_TRUE(is_cjk(U'漢'));
  EXPECT_FALSE(is_cjk(U'か'));
}

TEST(Categories, WordCharacters) {
  EXPECT_TRUE(is_word_char('_'));
  EXPECT_TRUE(is_word_char(U'é'));
  EXPECT_TRUE(is_word_char(U'\u0301'));
  EXPECT_FALSE(is_word_char('-'));
  EXPECT_TRUE(is_nonspacing_mark(U'\u0301'));
  EXPECT_FALSE(is_nonspacing_mark('a'));
}

}  // namespace
}  // namespace nibble::text
