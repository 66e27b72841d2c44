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

/// A token of 24 heads does not fit 16 rows: wide tiles of two tokens, keys in parts all the same.
TEST(PlanBatch, LargeGroupsHaveWideTiles) {
  ModelConfig config = small_config();
  config.n_heads = 48;
  KvCache cache(config, DType::kF16, std::size_t{1} << 24);
  const SequenceId a = cache.create();
  const std::vector<std::int32_t> tokens(3);
  cache.extend(a, 300);
  const std::vector<SequenceChunk> chunks = {{a, tokens}};
  const BatchPlan plan = plan_batch(config, chunks, cache, {}, {});
  EXPECT_TRUE(plan.is_wide);
  ASSERT_EQ(plan.tiles.size(), 2U);
  EXPECT_EQ(plan.tiles[0].n_tokens, 2);
  EXPECT_EQ(plan.n_splits, 2U);
  EXPECT_EQ(plan.pages_per_split, kSplitPages);
}

/// Pages of floats stand beside those of codes, 0 where a sequence keeps none.
TEST(PlanBatch, ListsFloatsBesideCodedPages) {
  const ModelConfig config = small_config();
  KvCache cache(config,
                kv_setup(*codec::kv_scheme_from_name("kivi-2").take(), Arithmetic::kNative),
                std::size_t{1} << 24);
  const SequenceId a = cache.create();
  const std::vector<std::int32_t> tokens(1);
  cache.extend(a, 300);
  cache.extend(a, 1);  // floats below 300 - 128 are given back
  const std::vector<SequenceChunk> chunks = {{a, tokens}};
  const BatchPlan plan = plan_batch(config, chunks, cache, {}, {.page_room = 8});
  ASSERT_EQ(plan.pages.size(), 8U);
  ASSERT_EQ(plan.floats.size(), 8U);
  for (std::size_t page = 0; page < 8; ++page) {
    EXPECT_EQ(plan.pages[page] != 0, page < 5) << page;
    EXPECT_EQ(plan.floats[page] != 0, page >= 2 && page < 5) << page;
  }
  KvCache plain(config, DType::kF16, std::size_t{1} << 24);
  const SequenceId b = plain.create();
  plain.extend(b, 1);
  const std::vector<SequenceChunk> one = {{b, tokens}};
  EXPECT_TRUE(plan_batch(config, one, plain, {}, {}).floats.empty());
}

}  // namespace
}  // namespace nibble::model
