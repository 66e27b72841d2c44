#include "report/answers/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "answer_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class AnswerValues : public ::testing::Test {
 protected:
  nibble::testing::TempFolder folder_;
  store::Store store_ = answer_store(folder_ / "s.db");
};

TEST_F(AnswerValues, AreKnownByTheQuestion) {
  const ByQuestion ranks = values_by_question(store_, "v0/s1", "attention_rank");
  EXPECT_EQ(ranks.size(), kQuestions);
  EXPECT_EQ(ranks.at("q2"), 1);
  EXPECT_EQ(ranks.at("q3"), 2);
  EXPECT_THAT(values_by_question(store_, "v0/s1", "rouge_l"), IsEmpty());
  EXPECT_THAT(values_by_question(store_, "v2/s1", "f1"), IsEmpty());
}

TEST_F(AnswerValues, QuestionsWithoutAnAnswerHaveNone) {
  store_.add_samples("v2/s1",
                     std::vector<store::SampleRecord>{
                         {4, "late", "", "", "", {{"f1", store::ScoreRecord::Ratio{1, 2}}}},
                         {1, "never", "", "", "", {{"f1", std::nullopt}}}});
  EXPECT_THAT(values_by_question(store_, "v2/s1", "f1"), ElementsAre(Pair("late", 0.5)));
}

TEST_F(AnswerValues, DepthsAreFourths) {
  const ByQuestion depths = depths_by_question(store_, "v0/s1");
  EXPECT_EQ(depths.size(), kQuestions);
  EXPECT_EQ(depths.at("q0"), 0);
  EXPECT_EQ(depths.at("q3"), 3);
  EXPECT_EQ(depths.at("q5"), 0);
  EXPECT_THAT(depths_by_question(store_, "v0/s0"), IsEmpty()) << "no attention was measured";
}

TEST(MatchedAnswers, AreThoseThatBothHave) {
  const ByQuestion a{{"x", 1}, {"y", 2}, {"z", 3}};
  const ByQuestion b{{"z", 30}, {"x", 10}, {"w", 0}};
  EXPECT_THAT(matched(a, b).first, ElementsAre(1, 3));
  EXPECT_THAT(matched(a, b).second, ElementsAre(10, 30));
  EXPECT_THAT(restricted(a, b), ElementsAre(Pair("x", 1), Pair("z", 3)));
}

}  // namespace
}  // namespace nibble::report
