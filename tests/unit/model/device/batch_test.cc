#include "model/device/batch.h"

#include <gmock/gmock.h>

namespace nibble::model {
namespace {

using ::testing::ElementsAre;

ModelConfig small_config() {
  ModelConfig config;
  config.n_layers = 1;
  config.n_heads = 8;
  config.n_kv_heads = 2;
  config.head_dim = 64;
  config.context = 1024;
  return config;
}

TEST(PlanBatch, SaysWhereEveryTokenStands) {
  const ModelConfig config = small_config();
  KvCache cache(config, DType::kF16, std::size_t{1} << 24);
  const SequenceId a = cache.create(), b = cache.create();
  const std::vector<std::int32_t> tokens = {5, 6, 7, 8, 9, 10};
  cache.extend(a, 63 + 2);
  cache.extend(b, 6);
  const std::vector<SequenceChunk> chunks = {{a, std::span(tokens).first(2)}, {b, tokens}};
  const std::vector<std::uint32_t> wanted = {1, 7};
  const BatchPlan plan = plan_batch(config, chunks, cache, wanted, {});
  EXPECT_THAT(plan.tokens, ElementsAre(5, 6, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(plan.positions, ElementsAre(63, 64, 0, 1, 2, 3, 4, 5));
  EXPECT_THAT(plan.sequence_of, ElementsAre(0, 0, 1, 1, 1, 1, 1, 1));
  EXPECT_THAT(plan.first_page, ElementsAre(0, 2));
  EXPECT_EQ(plan.pages.size(), 4U);
  EXPECT_EQ(plan.pages[3], 0U);  // room that the second sequence does not need
  EXPECT_EQ(plan.most_pages, 2U);
  EXPECT_THAT(plan.wanted, ElementsAre(1, 7));
  // Four heads of a group: four tokens make the 16 rows of a narrow tile.
  ASSERT_EQ(plan.tiles.size(), 3U);
  EXPECT_EQ(plan.tiles[1].first_token, 2);
  EXPECT_EQ(plan.tiles[1].n_tokens, 4);
  EXPECT_EQ(plan.tiles[2].n_tokens, 2);
}

TEST(PlanBatch, PartsOfTheKeysFollowFromTheRoom) {
  const ModelConfig config = small_config();
  KvCache cache(config, DType::kF16, std::size_t{1} << 24);
  const SequenceId a = cache.create();
  const std::vector<std::int32_t> tokens(1);
  cache.extend(a, 300);  // 5 pages
  const std::vector<SequenceChunk> chunks = {{a, tokens}};
  EXPECT_EQ(plan_batch(config, chunks, cache, {}, {}).n_splits, 2U);
  const BatchPlan roomy = plan_batch(config, chunks, cache, {}, {.page_room = 16});
  EXPECT_EQ(roomy.n_splits, 4U);
  EXPECT_EQ(roomy.pages.size(), 16U);
  EXPECT_EQ(plan_batch(config, chunks, cache, {}, {.is_wide = true}).n_splits, 1U);
}

}  // namespace
}  // namespace nibble::model
