#include "rag/answer/answer_scores.h"

#include <gmock/gmock.h>

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

OpenQuestion question(std::vector<std::string> answers) {
  return {.id = "q", .question = "?", .answers = std::move(answers)};
}

double value(const eval::SampleScores& scores, std::string_view metric) {
  const auto found = scores.find(metric);
  return found != scores.end() && found->second ? found->second->sum : -1;
}

TEST(Citations, AreNumbersInBrackets) {
  EXPECT_THAT(cited_numbers("Ann [2], or Bob [1, 2][3; 4]"), ElementsAre(2, 1, 3, 4));
  EXPECT_THAT(cited_numbers("a [b], [1a], [], [1,] and [2"), IsEmpty());
  EXPECT_EQ(without_citations("Ann [2] of [the] mill [1]"), "Ann  of [the] mill");
}

TEST(Citations, ArePreciseWhereTheyAreGold) {
  const std::vector<bool> gold = {false, true};
  EXPECT_EQ(value(score_answer("Ann [2]", question({"Ann"}), gold, true), "citation_precision"), 1);
  EXPECT_EQ(value(score_answer("Ann [1, 2]", question({"Ann"}), gold, true), "citation_precision"),
            0.5);
  EXPECT_EQ(value(score_answer("Ann [0] [7]", question({"Ann"}), gold, true), "citation_precision"),
            0);
  const auto none = score_answer("Ann", question({"Ann"}), gold, true);
  EXPECT_FALSE(none.at("citation_precision").has_value());
  EXPECT_FALSE(score_answer("Ann", question({"Ann"}), gold, false).contains("citation_precision"));
}

TEST(Abstains, SaysSoInWords) {
  for (const char* text : {"I don't know.",
                           "I do not know the answer",
                           "Unknown",
                           "CANNOTANSWER",
                           "There is not enough information",
                           "No answer."}) {
    EXPECT_TRUE(abstains(text)) << text;
  }
  for (const char* text : {"", "Ann", "an unknown soldier", "He knows"}) {
    EXPECT_FALSE(abstains(text)) << text;
  }
}

TEST(ScoreAnswer, LooksAtTheFirstLineWithoutCitations) {
  const auto scores = score_answer(" Ann [1]\nQuestion: more", question({"Ann", "Bob"}), {}, false);
  EXPECT_EQ(value(scores, "exact_match"), 1);
  EXPECT_EQ(value(scores, "f1"), 1);
  EXPECT_EQ(value(scores, "subspan_em"), 1);
  EXPECT_EQ(value(scores, "rouge_l"), 1);
  EXPECT_EQ(value(scores, "words"), 1);
  EXPECT_EQ(value(scores, "empty"), 0);
  EXPECT_EQ(value(scores, "false_abstention"), 0);
}

TEST(ScoreAnswer, ALongAnswerHasTheWantedOneInIt) {
  const auto scores = score_answer("It was built by Ann.", question({"Ann"}), {}, false);
  EXPECT_EQ(value(scores, "exact_match"), 0);
  EXPECT_DOUBLE_EQ(value(scores, "f1"), 2.0 / 6);
  EXPECT_EQ(value(scores, "subspan_em"), 1);
  EXPECT_EQ(value(score_answer("", question({"Ann"}), {}, false), "empty"), 1);
  EXPECT_EQ(value(score_answer("I don't know", question({"Ann"}), {}, false), "false_abstention"),
            1);
}

TEST(ScoreAnswer, AnUnanswerableQuestionWantsSilence) {
  OpenQuestion hard = question({});
  hard.is_answerable = false;
  const auto silent = score_answer("I don't know.", hard, {}, false);
  EXPECT_EQ(value(silent, "rejection"), 1);
  EXPECT_EQ(value(silent, "f1"), 1);
  EXPECT_FALSE(silent.contains("rouge_l"));
  EXPECT_EQ(value(score_answer("Ann", hard, {}, false), "rejection"), 0);
}

TEST(ScoreAnswer, EveryGroupMustBeMet) {
  OpenQuestion two = question({"Ann", "Bob", "Robert"});
  two.groups = {{"Ann"}, {"Bob", "Robert"}};
  EXPECT_EQ(value(score_answer("ann and robert", two, {}, false), "subspan_em"), 1);
  EXPECT_EQ(value(score_answer("Ann", two, {}, false), "subspan_em"), 0);
}

TEST(ScoreAnswer, IsMisledByWhatFalsePassagesSay) {
  OpenQuestion trap = question({"Tampa"});
  trap.wrong_answer = "Glendale";
  EXPECT_EQ(value(score_answer("In glendale.", trap, {}, false), "misled"), 1);
  EXPECT_EQ(value(score_answer("Tampa", trap, {}, false), "misled"), 0);
}

TEST(AnswerMetrics, AreThoseThatTheSetHas) {
  const auto has = [](const ScoredKinds& kinds, std::string_view name) {
    for (const eval::MetricRow& metric : answer_metrics(kinds)) {
      if (metric.name == name) {
        return true;
      }
    }
    return false;
  };
  EXPECT_EQ(answer_metrics({}).front().name, "f1");
  EXPECT_FALSE(has({}, "rejection"));
  EXPECT_TRUE(has({.has_unanswerable = true}, "rejection"));
  EXPECT_TRUE(has({.has_wrong_answers = true}, "misled"));
  EXPECT_TRUE(has({.counts_citations = true}, "citation_precision"));
  EXPECT_FALSE(has({.has_answerable = false}, "rouge_l"));
}

}  // namespace
}  // namespace nibble::rag
