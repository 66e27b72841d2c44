#include "report/answers/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "answer_store.h"

namespace nibble::report {
namespace {

using ::testing::IsEmpty;

TEST(QuestionView, PassagesAndTheQuestionBehindThem) {
  const store::SampleRecord sample{2, "q2", answer_prompt(2), "Oda", "Oda & son", {}};
  const QuestionView view = view_question(sample, answer_attention(2, 0.6F));
  EXPECT_EQ(view.id, "q2");
  EXPECT_EQ(view.question, "Question: who was <2>?\nAnswer:");
  EXPECT_EQ(view.wanted, "Oda");
  ASSERT_EQ(view.passages.size(), 5U);
  EXPECT_EQ(view.passages[2].text, "passage 2 of 2.");
  EXPECT_EQ(view.passages[2].header, "passage 1 of 2.") << "the line in front";
  EXPECT_EQ(view.passages[0].header, "");
  EXPECT_TRUE(view.passages[2].is_gold);
  EXPECT_FALSE(view.passages[3].is_gold);
}

TEST(QuestionView, LongPassagesAreShortenedAndBadRangesHarmless) {
  store::SampleRecord sample{0, "q", std::string(3000, 'x'), "", "", {}};
  rag::AttentionRecord record;
  record.documents = {{0, 2000, 5, true}, {2500, 9000, 5, false}, {9000, 9500, 5, false}};
  const QuestionView view = view_question(sample, record);
  EXPECT_LT(view.passages[0].text.size(), 700U);
  EXPECT_LE(view.passages[1].text.size(), 600U);
  EXPECT_EQ(view.passages[2].text, "");
  EXPECT_EQ(view.question, "");
}

TEST(QuestionView, SharesOfThePassages) {
  const store::SampleRecord sample{
      0, "q", "", "", "Oda", {{"f1", store::ScoreRecord::Ratio{1, 2}}}};
  const ViewedAnswer answer = view_answer(sample, answer_attention(0, 0.6F));
  EXPECT_EQ(answer.f1, 0.5);
  ASSERT_EQ(answer.shares.size(), 5U);
  EXPECT_NEAR(answer.shares[0], 0.35 / 0.75, 1e-6);
  EXPECT_NEAR(answer.shares[4], 0.1 / 0.75, 1e-6);
  EXPECT_THAT(view_answer({}, {}).shares, IsEmpty());
  EXPECT_FALSE(view_answer({}, {}).f1);
}

}  // namespace
}  // namespace nibble::report
