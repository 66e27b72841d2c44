#include "eval/metrics/rouge_l.h"

#include <gtest/gtest.h>

namespace nibble::eval {
namespace {

TEST(RougeL, CountsTheLongestCommonSubsequence) {
  // rouge_score 0.1.2, rougeL, no stemmer.
  EXPECT_DOUBLE_EQ(rouge_l_of("the cat sat on the mat", "the cat lay on a mat"), 8.0 / 12);
  EXPECT_DOUBLE_EQ(rouge_l_of("mat the on sat cat the", "the cat sat on the mat"), 6.0 / 12);
  EXPECT_DOUBLE_EQ(rouge_l_of("The Cat-Sat.", "the cat sat"), 1);
  EXPECT_DOUBLE_EQ(rouge_l_of("one", "two"), 0);
}

TEST(RougeL, HasNoWordsToShare) {
  EXPECT_EQ(rouge_l_of("", "a"), 0);
  EXPECT_EQ(rouge_l_of("!?", "!?"), 0);
  EXPECT_EQ(rouge_l("a", {}), 0);
}

TEST(RougeL, TakesTheBestOfSeveral) {
  const std::vector<std::string> wanted = {"x y", "a b c"};
  EXPECT_DOUBLE_EQ(rouge_l("a b", wanted), 0.8);
}

}  // namespace
}  // namespace nibble::eval
