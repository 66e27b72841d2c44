#include "eval/metrics/ranking.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace nibble::eval {
namespace {

const Judgements kJudged = {{"a", 2}, {"b", 1}, {"c", 1}, {"x", 0}};

TEST(RankingScores, HandWorked) {
  const std::vector<std::string> ranking = {"x", "b", "unjudged", "a"};
  const RankingScores scores = score_ranking(ranking, kJudged, 10);
  const double dcg = 1.0 / std::log2(3.0) + 2.0 / std::log2(5.0);
  const double ideal = 2.0 + 1.0 / std::log2(3.0) + 1.0 / std::log2(4.0);
  EXPECT_NEAR(scores.ndcg, dcg / ideal, 1e-12);
  EXPECT_NEAR(scores.recall, 2.0 / 3.0, 1e-12);
  EXPECT_NEAR(scores.precision, 0.2, 1e-12);
  EXPECT_NEAR(scores.average_precision, (1.0 / 2.0 + 2.0 / 4.0) / 3.0, 1e-12);
  EXPECT_NEAR(scores.reciprocal_rank, 0.5, 1e-12);
}

TEST(RankingScores, StopsAtTheCut) {
  const std::vector<std::string> ranking = {"x", "b", "a"};
  const RankingScores scores = score_ranking(ranking, kJudged, 1);
  EXPECT_EQ(scores.ndcg, 0.0);
  EXPECT_EQ(scores.reciprocal_rank, 0.0);
  const std::vector<std::string> best = {"a", "b"};
  EXPECT_NEAR(score_ranking(best, kJudged, 1).ndcg, 1.0, 1e-12);  // the ideal is cut, too
  EXPECT_NEAR(score_ranking(best, kJudged, 1).recall, 1.0 / 3.0, 1e-12);
}

TEST(RankingScores, APerfectRankingHasOneAndAnEmptyOneNothing) {
  const std::vector<std::string> perfect = {"a", "c", "b"};
  const RankingScores scores = score_ranking(perfect, kJudged, 10);
  EXPECT_NEAR(scores.ndcg, 1.0, 1e-12);
  EXPECT_NEAR(scores.average_precision, 1.0, 1e-12);
  EXPECT_EQ(score_ranking({}, kJudged, 10).ndcg, 0.0);
}

TEST(RankingScores, SomethingMustBeRelevant) {
  EXPECT_FALSE(has_relevant({}));
  EXPECT_FALSE(has_relevant({{"x", 0}, {"y", -1}}));
  EXPECT_TRUE(has_relevant(kJudged));
}

}  // namespace
}  // namespace nibble::eval
