#include "text/unicode/case.h"

#include <gtest/gtest.h>

namespace nibble::text {
namespace {

TEST(Case, LowersAllLetters) {
  EXPECT_EQ(lower_case("ÀB Ω 7!"), "àb ω 7!");
  EXPECT_EQ(lower_case(""), "");
}

TEST(Case, CapitalizeLowersTheRest) {
  EXPECT_EQ(capitalized("he watches TV"), "He watches tv");
  EXPECT_EQ(capitalized("éCOLE"), "École");
  EXPECT_EQ(capitalized(""), "");
}

TEST(Case, TitleBeginsEachWord) {
  EXPECT_EQ(title_case("they're BILL's 3rd café"), "They'Re Bill'S 3Rd Café");
  EXPECT_EQ(upper_case("àb ω 7!"), "ÀB Ω 7!");
}

TEST(Case, WordsAreLettersNumbersAndTheUnderscore) {
  EXPECT_TRUE(is_python_word(U'é'));
  EXPECT_TRUE(is_python_word(U'_'));
  EXPECT_TRUE(is_python_word(U'½'));
  EXPECT_FALSE(is_python_word(U'-'));
  EXPECT_FALSE(is_python_word(U'\u0301'));  // a mark alone
}

}  // namespace
}  // namespace nibble::text
