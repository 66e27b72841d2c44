#include "rag/run_scores.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;

const QuestionJudgements kJudged = {
    {"q1", {{"a", 1}, {"b", 0}}}, {"q2", {{"c", 2}, {"d", 1}}}, {"q3", {{"a", 0}}}};

TEST(RunScores, WorkedByHand) {
  const rag::Run run = {{"q1", {{"b", 2.0}, {"a", 1.0}}}};
  const std::vector<std::string> questions = {"q1", "q2"};
  const auto scores = score_run(run, questions, kJudged, {10, 1});
  ASSERT_EQ(scores.size(), 4U);
  EXPECT_EQ(scores[0].name, "ndcg@10");
  EXPECT_NEAR(scores[0].samples[0].sum, 1.0 / std::log2(3.0), 1e-12);
  EXPECT_EQ(scores[1].name, "mrr@10");
  EXPECT_EQ(scores[1].samples[0].sum, 0.5);
  EXPECT_EQ(scores[2].name, "recall@1");
  EXPECT_EQ(scores[2].samples[0].sum, 0.0) << "the first one is not relevant";
  EXPECT_EQ(scores[0].samples[1].sum, 0.0) << "a question without a ranking counts";
}

TEST(RunScores, ComparesWhatIsJudged) {
  const rag::Run a = {{"q3", {{"a", 1.0}}}, {"q1", {{"a", 1.0}}}};
  const rag::Run b = {{"q2", {{"c", 1.0}}}, {"q9", {{"c", 1.0}}}};
  EXPECT_THAT(compared_questions(a, b, kJudged), ElementsAre("q1", "q2"));
  const rag::Run none = {{"q3", {{"a", 1.0}}}};
  EXPECT_THROW(compared_questions(none, none, kJudged), Error);
}

}  // namespace
}  // namespace nibble::rag
