#include "ops/attention_tiles.h"

#include <gtest/gtest.h>

namespace nibble::ops {
namespace {

TEST(AttentionTiles, CoverEveryQueryOnceLateOnesFirst) {
  AttentionShape shape;
  shape.n_heads = 6;
  shape.n_kv_heads = 2;
  const std::vector<AttentionSequence> sequences = {{0, 33, 100, {}}, {33, 1, 0, {}}};
  const std::vector<AttentionTile> tiles = attention_tiles(shape, sequences);
  ASSERT_EQ(tiles.size(), 6U);
  EXPECT_EQ(tiles[0].row(), 32U);
  EXPECT_EQ(tiles[1].kv_head, 1U);
  EXPECT_EQ(tiles[2].row(), 0U);
  EXPECT_EQ(tiles[4].row(), 33U);
}

TEST(AttentionTiles, ATaskHoldsTheHeadsOfOneKeyValueHead) {
  AttentionShape shape;
  shape.n_heads = 6;
  shape.n_kv_heads = 2;
  shape.head_dim = 4;
  shape.page_tokens = 8;
  shape.window = 3;
  const std::vector<float> q(40 * 24);
  const AttentionSequence sequence{5, 35, 100, {}};
  const kernels::AttentionTask task = attention_task(shape, {q.data(), 40, 24}, {&sequence, 32, 1});
  EXPECT_EQ(task.q, q.data() + (5 + 32) * 24 + 12);
  EXPECT_EQ(task.n_queries, 3U);
  EXPECT_EQ(task.n_heads, 3U);
  EXPECT_EQ(task.first_position, 132U);
  EXPECT_EQ(task.kv_offset, 32U);
  EXPECT_EQ(task.window, 3U);
}

}  // namespace
}  // namespace nibble::ops
