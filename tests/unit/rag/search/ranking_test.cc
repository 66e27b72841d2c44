#include "rag/search/ranking.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Ranking, BestFirstAndTiesByItem) {
  const std::vector<float> scores = {1, 3, 2, 3, -1};
  EXPECT_THAT(best_of(std::span(scores), 3), ElementsAre(Hit{1, 3}, Hit{3, 3}, Hit{2, 2}));
  EXPECT_THAT(best_of(std::span(scores), 0), IsEmpty());
  EXPECT_EQ(best_of(std::span(scores), 99).size(), 5U);
  const std::vector<double> sparse = {0, 2, 0};
  EXPECT_THAT(best_of(std::span(sparse), 3, 0.0), ElementsAre(Hit{1, 2}));
}

TEST(Ranking, AgreesWithASort) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> scores(random() % 200);
    std::vector<Hit> all;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = static_cast<float>(random() % 20);
      all.push_back({static_cast<std::uint32_t>(i), scores[i]});
    }
    const std::size_t k = random() % 30;
    std::ranges::stable_sort(all, std::greater{}, &Hit::score);
    all.resize(std::min(k, all.size()));
    EXPECT_EQ(best_of(std::span<const float>(scores), k), all);
  }
}

TEST(Ranking, NanIsNoHit) {
  const std::vector<float> scores = {NAN, 1, NAN};
  EXPECT_THAT(best_of(std::span(scores), 3), ElementsAre(Hit{1, 1}));
}

TEST(BestHits, KeepTheBestOfThoseThatCame) {
  BestHits best(2);
  for (const Hit& hit : {Hit{5, 1.0}, Hit{4, 3.0}, Hit{9, NAN}, Hit{3, 3.0}, Hit{8, 2.0}}) {
    best.offer(hit);
  }
  EXPECT_THAT(best.take(), ElementsAre(Hit{3, 3.0}, Hit{4, 3.0}));
  BestHits none(0);
  none.offer({1, 1.0});
  EXPECT_THAT(none.take(), IsEmpty());
}

TEST(Ranking, FusesByReciprocalRank) {
  const std::vector<std::vector<Hit>> rankings = {{{7, 9.0}, {3, 1.0}}, {{3, 0.5}, {8, 0.1}}};
  const auto fused = fuse_by_rank(rankings, 2, 60.0);
  ASSERT_EQ(fused.size(), 2U);
  EXPECT_EQ(fused[0].item, 3U);
  EXPECT_NEAR(fused[0].score, 1.0 / 62 + 1.0 / 61, 1e-12);
  EXPECT_EQ(fused[1].item, 7U);
}

}  // namespace
}  // namespace nibble::rag
