#include "model/layers/packed_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::model {
namespace {

using ::testing::ElementsAre;

class PackedBatchTest : public ::testing::Test {
 protected:
  static ModelConfig config() {
    ModelConfig out;
    out.n_layers = out.n_heads = out.n_kv_heads = 1;
    out.head_dim = 2;
    return out;
  }
  PackedBatchTest() {
    cache_.extend(a_, 70);
    cache_.extend(b_, 3);
  }

  KvCache cache_{config(), DType::kF32, 1 << 20};
  SequenceId a_ = cache_.create(), b_ = cache_.create();
  std::vector<std::int32_t> tokens_ = {1, 2, 3, 4};
};

TEST_F(PackedBatchTest, GoesOnWhereEachSequenceEnds) {
  const std::vector<SequenceChunk> chunks = {{a_, tokens_}, {b_, std::span(tokens_).first(2)}};
  const PackedBatch batch(chunks, cache_);
  EXPECT_EQ(batch.n_rows(), 6U);
  EXPECT_THAT(batch.positions(), ElementsAre(70, 71, 72, 73, 3, 4));
  ASSERT_EQ(batch.sequences().size(), 2U);
  EXPECT_EQ(batch.sequences()[1].first_row, 4U);
  EXPECT_EQ(batch.sequences()[1].n_tokens, 2U);
  EXPECT_EQ(batch.sequences()[1].start_position, 3U);
}

TEST_F(PackedBatchTest, SelectedRowsKeepTheirPositionsAndPages) {
  const std::vector<SequenceChunk> chunks = {{a_, tokens_}, {b_, std::span(tokens_).first(2)}};
  const PackedBatch batch(chunks, cache_);
  cache_.extend(a_, 4);
  cache_.extend(b_, 2);
  PackedBatch some = batch.select(std::vector<std::uint32_t>{0, 2, 3, 4});
  EXPECT_THAT(some.positions(), ElementsAre(70, 72, 73, 3));
  ASSERT_EQ(some.sequences().size(), 3U);  // rows 2 and 3 are one run, row 4 is another sequence
  EXPECT_EQ(some.sequences()[1].first_row, 1U);
  EXPECT_EQ(some.sequences()[1].n_tokens, 2U);
  EXPECT_EQ(some.sequences()[1].start_position, 72U);
  some.enter_layer(cache_, 0);
  EXPECT_EQ(some.sequences()[0].pages.size(), 2U);
  EXPECT_EQ(some.sequences()[2].pages.size(), 1U);
  EXPECT_EQ(some.sequences()[0].pages[0].keys, some.sequences()[1].pages[0].keys);
  EXPECT_EQ(batch.select({}).n_rows(), 0U);
}

TEST_F(PackedBatchTest, RefusesEmptyAndRepeatedChunks) {
  const std::vector<SequenceChunk> empty = {{a_, {}}};
  EXPECT_THROW(PackedBatch(empty, cache_), Error);
  const std::vector<SequenceChunk> twice = {{a_, tokens_}, {a_, tokens_}};
  EXPECT_THROW(PackedBatch(twice, cache_), Error);
}

}  // namespace
}  // namespace nibble::model
