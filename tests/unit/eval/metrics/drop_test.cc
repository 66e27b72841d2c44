#include "eval/metrics/drop.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble::eval {
namespace {

using Spans = std::vector<std::string>;

DropScores score(std::string_view given, const Spans& wanted) {
  return score_drop(given, {&wanted, 1});
}

// Wanted values: lm-evaluation-harness 0.4.13 drop/utils.py.
TEST(Drop, Normalizes) {
  EXPECT_EQ(normalize_drop("The 3,000-yard U.S. run"), "3000.0 yard us run");
  EXPECT_EQ(normalize_drop("  a   tie "), "tie");
  EXPECT_EQ(normalize_drop("1e5 nan 1_000 12%"), "100000.0 nan 1000.0 12.0");
}

TEST(Drop, ScoresNumbersAndSpans) {
  EXPECT_EQ(score("12", {"12"}).em, 1);
  EXPECT_EQ(score("12", {"12"}).f1, 1);
  EXPECT_EQ(score(" 12 yards", {"12"}).em, 0);
  EXPECT_DOUBLE_EQ(score(" 12 yards", {"12"}).f1, 0.67);
  EXPECT_EQ(score("John Smith", {"john smith", "bob"}).em, 0);
  EXPECT_DOUBLE_EQ(score("John Smith", {"john smith", "bob"}).f1, 0.5);
}

TEST(Drop, AWantedNumberMustBeGiven) {
  EXPECT_EQ(score("13 yards", {"12 yards"}).f1, 0);
  EXPECT_EQ(score("yards", {"12 yards"}).f1, 0);
  EXPECT_DOUBLE_EQ(score("12", {"12 yards"}).f1, 0.67);
}

TEST(Drop, TheBestRightAnswerCounts) {
  const std::vector<Spans> wanted = {{" "}, {"x"}, {"tie game"}};
  EXPECT_DOUBLE_EQ(score_drop("the tie", wanted).f1, 0.67);
  EXPECT_EQ(score_drop("x", wanted).em, 1);
  EXPECT_EQ(score_drop("x", {}).em, 0);
}

TEST(Drop, ReadsFloatsAsPython) {
  for (const char* text : {"1", "+1.", ".5", "1e3", "1_0", " 7\n", "-Infinity", "NaN", "1E-2"}) {
    EXPECT_TRUE(python_float(text)) << text;
  }
  for (const char* text : {"", ".", "e5", "1e", "_1", "1_", "1__0", "0x1", "1 2", "--1", "in"}) {
    EXPECT_FALSE(python_float(text)) << text;
  }
  EXPECT_EQ(python_float("1_0.5e1"), 105);
  EXPECT_TRUE(std::isinf(*python_float("1e999")));
}

}  // namespace
}  // namespace nibble::eval
