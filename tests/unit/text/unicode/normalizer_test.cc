#include "text/unicode/normalizer.h"

#include <gtest/gtest.h>

namespace nibble::text {
namespace {

using Kind = NormalizeStep::Kind;

std::string apply(std::vector<NormalizeStep> steps, std::string_view text) {
  std::string storage;
  return std::string(Normalizer(std::move(steps)).apply(text, storage));
}

std::string apply(Kind kind, std::string_view text) {
  return apply({{kind, "", ""}}, text);
}

TEST(Normalizer, WithoutStepsItIsTheTextItself) {
  const std::string_view text = "as it is";
  std::string storage;
  EXPECT_EQ(Normalizer().apply(text, storage).data(), text.data());
}

TEST(Normalizer, CompositionForms) {
  EXPECT_EQ(apply(Kind::kNfc, "e\u0301 \u212B"), "é Å");
  EXPECT_EQ(apply(Kind::kNfd, "é"), "e\u0301");
  EXPECT_EQ(apply(Kind::kNfkc, "ﬁ①"), "fi1");
  EXPECT_EQ(apply(Kind::kNfkd, "ﬁé"), "fie\u0301");
  EXPECT_EQ(apply(Kind::kNfc, std::string_view("a\0b", 3)), std::string("a\0b", 3));
}

TEST(Normalizer, LowercaseIsFull) {
  EXPECT_EQ(apply(Kind::kLowercase, "ÀBÇ ẞ Σ"), "àbç ß σ");
  EXPECT_EQ(apply(Kind::kLowercase, "İ"), "i\u0307");  // one character becomes two
}

TEST(Normalizer, ReplacePrependStrip) {
  EXPECT_EQ(apply({{Kind::kReplace, " ", "_"}}, "a  b "), "a__b_");
  EXPECT_EQ(apply({{Kind::kPrepend, "", "_"}}, "a"), "_a");
  EXPECT_EQ(apply({{Kind::kPrepend, "", "_"}}, ""), "");
  EXPECT_EQ(apply(Kind::kStripLeft, "\u3000 a "), "a ");
  EXPECT_EQ(apply(Kind::kStripRight, " a\t\u00A0"), " a");
  EXPECT_EQ(apply(Kind::kStripAccents, "e\u0301a"), "ea");
}

TEST(Normalizer, BertSteps) {
  EXPECT_EQ(apply(Kind::kBertClean, std::string_view("a\tb\0\u200Bc\u00A0", 10)), "a bc ");
  EXPECT_EQ(apply(Kind::kBertCjk, "a漢字b"), "a 漢  字 b");
}

TEST(Normalizer, StepsRunInOrderAlsoOnTextThatBecomesNonAscii) {
  // "e" becomes e + acute by the first step; only then is there something to compose.
  EXPECT_EQ(apply({{Kind::kReplace, "'", "\u0301"}, {Kind::kNfc, "", ""}}, "e'"), "é");
}

}  // namespace
}  // namespace nibble::text
