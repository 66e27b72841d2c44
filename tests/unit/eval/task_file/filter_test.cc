#include "eval/task_file/filter.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::eval {
namespace {

const RegexFilter kStrict(R"(#### (\-?[0-9\.\,]+))", 0);
const RegexFilter kFlexible(R"((-?[$0-9.,]{2,})|(-?[0-9]+))", -1);
const RegexFilter kChain(R"(The answer is (\-?[0-9\.\,]+).)", 0);

// Wanted values: lm-evaluation-harness 0.4.13 RegexFilter.
TEST(RegexFilter, TakesTheGroupOfOneMatch) {
  EXPECT_EQ(kStrict.apply("#### 1,000 then #### 2"), "1,000");
  EXPECT_EQ(kFlexible.apply("#### 1,000 then #### 2"), "2");
  EXPECT_EQ(kFlexible.apply("so 5 apples. The answer is $1,234.50."), "$1,234.50.");
  EXPECT_EQ(kStrict.apply("so 5 apples. The answer is $1,234.50."), "[invalid]");
  EXPECT_EQ(kFlexible.apply("no number"), "[invalid]");
}

TEST(RegexFilter, TheDotBehindTheAnswerWantsACharacter) {
  EXPECT_EQ(kChain.apply("The answer is 9"), "[invalid]");
  EXPECT_EQ(kChain.apply("The answer is 19"), "1");
  EXPECT_EQ(kChain.apply("The answer is 19."), "19");
}

TEST(RegexFilter, PositionsCountFromBothEnds) {
  EXPECT_EQ(RegexFilter("[0-9]", 1).apply("1 2 3"), "2");
  EXPECT_EQ(RegexFilter("[0-9]", -2).apply("1 2 3"), "2");
  EXPECT_EQ(RegexFilter("[0-9]", 5).apply("1 2 3"), "[invalid]");
  EXPECT_EQ(RegexFilter(" *(a*)", 0).apply(" b"), "");
}

TEST(NamedFilter, PatternsThenStrip) {
  EXPECT_EQ((NamedFilter{"n", {}, true}.apply(" x \n")), "x");
  EXPECT_EQ((NamedFilter{"n", {}, false}.apply(" x ")), " x ");
  EXPECT_EQ(
      (NamedFilter{"n", {RegexFilter("(?s)b.*", 0), RegexFilter("[0-9]", 0)}, false}.apply("a1b2")),
      "2");
}

TEST(RegexFilter, RefusesAPatternThatDoesNotCompile) {
  EXPECT_THROW(RegexFilter("(", 0), Error);
}

}  // namespace
}  // namespace nibble::eval
