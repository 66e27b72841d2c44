#include "eval/text_case.h"

#include <gtest/gtest.h>

namespace nibble::eval {
namespace {

TEST(TextCase, LowersAllLetters) {
  EXPECT_EQ(lower_case("ÀB Ω 7!"), "àb ω 7!");
  EXPECT_EQ(lower_case(""), "");
}

TEST(TextCase, CapitalizeLowersTheRest) {
  EXPECT_EQ(capitalized("he watches TV"), "He watches tv");
  EXPECT_EQ(capitalized("éCOLE"), "École");
  EXPECT_EQ(capitalized(""), "");
}

}  // namespace
}  // namespace nibble::eval
