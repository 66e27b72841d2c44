#include "eval/metrics/reading.h"

#include <gtest/gtest.h>

#include <vector>

namespace nibble::eval {
namespace {

ReadingScores score(std::string_view response, std::vector<std::string> wanted) {
  return score_reading(response, wanted);
}

TEST(NormalizeAnswer, FollowsTheOrderOfTheScript) {
  EXPECT_EQ(normalize_answer("The Eiffel  Tower!"), "eiffel tower");
  EXPECT_EQ(normalize_answer("U.S."), "us");
  EXPECT_EQ(normalize_answer("a-the"), "athe");  // punctuation goes first, so no article is left
  EXPECT_EQ(normalize_answer(" An apple a\tday "), "apple day");
  EXPECT_EQ(normalize_answer("theory of a the"), "theory of");
}

TEST(NormalizeAnswer, KeepsUnicodePunctuationAndLowersUnicode) {
  EXPECT_EQ(normalize_answer("“Été”"), "“été”");
  EXPECT_EQ(normalize_answer("a–b"), "–b");  // the dash is no word character: the a stands alone
  EXPECT_EQ(normalize_answer("aé the"), "aé");
}

TEST(ScoreReading, KnownVectors) {
  EXPECT_EQ(score("The Eiffel Tower!", {"eiffel tower"}).exact_match, 1.0);
  EXPECT_EQ(score("The Eiffel Tower!", {"eiffel tower"}).f1, 1.0);
  EXPECT_EQ(score("in Paris, France", {"Paris"}).exact_match, 0.0);
  EXPECT_DOUBLE_EQ(score("in Paris, France", {"Paris"}).f1, 0.5);
  EXPECT_EQ(score("U.S.", {"us"}).f1, 1.0);
  EXPECT_DOUBLE_EQ(score("red red blue", {"red blue blue"}).f1, 2.0 / 3);
}

TEST(ScoreReading, BestOfAllAnswers) {
  const ReadingScores scores = score("263 kilograms", {"263 kg", "263 kilograms"});
  EXPECT_EQ(scores.exact_match, 1.0);
  EXPECT_EQ(scores.f1, 1.0);
}

TEST(ScoreReading, ContainsIsASubstringWhateverTheCase) {
  EXPECT_EQ(score("It was the DENVER broncos.", {" Denver Broncos "}).contains, 1.0);
  EXPECT_EQ(score("Denver", {"Denver Broncos"}).contains, 0.0);
}

TEST(ScoreReading, EmptyTexts) {
  EXPECT_EQ(score("", {""}).f1, 1.0);
  EXPECT_EQ(score("", {"the"}).exact_match, 1.0);  // "the" normalises to nothing and is left out
  EXPECT_EQ(score("word", {""}).f1, 0.0);
  EXPECT_EQ(score("", {"word"}).f1, 0.0);
  EXPECT_EQ(score("the", {"word"}).f1, 0.0);
  EXPECT_EQ(score("", {}).f1, 1.0);
}

// Wanted values: lm-evaluation-harness 0.4.13 coqa/utils.py.
TEST(ScoreCoqa, LeavesEachAnswerOutInTurn) {
  const std::vector<std::string> one = {"white"};
  EXPECT_EQ(score_coqa(" White.\nQ: x", one).exact_match, 1);
  const std::vector<std::string> two = {"no", "not at all"};
  EXPECT_EQ(score_coqa("no", two).exact_match, 0.5);
  EXPECT_EQ(score_coqa("no", two).f1, 0.5);
  const std::vector<std::string> three = {"in a barn", "barn", "the old barn"};
  EXPECT_EQ(score_coqa("a barn", three).exact_match, 2.0 / 3);
  EXPECT_DOUBLE_EQ(score_coqa("a barn", three).f1, (1 + 2.0 / 3 + 1) / 3);
}

TEST(ScoreCoqa, EmptyTextsAreEqual) {
  const std::vector<std::string> empty = {"the"};
  EXPECT_EQ(score_coqa("", empty).f1, 1);
}

}  // namespace
}  // namespace nibble::eval
