#include "model/forward_call.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/attention_mass.h"

namespace nibble::model {
namespace {

ModelConfig call_config() {
  ModelConfig config;
  config.vocab = 10;
  config.hidden = 4;
  config.n_layers = config.n_heads = config.n_kv_heads = 1;
  config.head_dim = 4;
  return config;
}

TEST(ForwardCall, ChecksTokensRowsAndRoom) {
  const ModelConfig config = call_config();
  const std::vector<std::int32_t> tokens = {1, 2, 3}, outside = {1, 10};
  std::vector<float> room(8);
  const MatrixView<float> hidden(room.data(), 2, 4);
  const std::vector<SequenceChunk> chunks = {{0, tokens}};
  EXPECT_EQ(count_rows(chunks), 3U);
  check_forward(config, chunks, std::vector<std::uint32_t>{0, 2}, hidden);
  const std::vector<SequenceChunk> wrong = {{0, outside}};
  const std::vector<std::uint32_t> first_two = {0, 1}, descending = {2, 0}, far = {0, 3}, one = {0};
  EXPECT_THROW(check_forward(config, wrong, first_two, hidden), Error);
  EXPECT_THROW(check_forward(config, chunks, descending, hidden), Error);
  EXPECT_THROW(check_forward(config, chunks, far, hidden), Error);
  EXPECT_THROW(check_forward(config, chunks, one, hidden), Error);
}

TEST(ForwardCall, TakesRoomBackUnlessThePassSucceeds) {
  KvCache cache(call_config(), DType::kF32, std::size_t{1} << 20);
  const std::vector<std::int32_t> tokens(70);
  const std::vector<SequenceChunk> chunks = {{cache.create(), tokens}, {cache.create(), tokens}};
  {
    const CacheGrowth growth(cache, chunks);
    EXPECT_EQ(cache.length(chunks[1].sequence), 70U);
  }
  EXPECT_EQ(cache.length(chunks[0].sequence), 0U);
  CacheGrowth kept(cache, chunks);
  kept.keep();
  EXPECT_EQ(cache.length(chunks[0].sequence), 70U);
}

TEST(ForwardCall, AFullCacheLeavesNoSequenceLonger) {
  const ModelConfig config = call_config();
  KvCache cache(config, DType::kF32, KvCache::bytes_per_token(config, DType::kF32) * kPageTokens);
  const std::vector<std::int32_t> tokens(10);
  const std::vector<SequenceChunk> chunks = {{cache.create(), tokens}, {cache.create(), tokens}};
  EXPECT_THROW(CacheGrowth(cache, chunks), Error);
  EXPECT_EQ(cache.length(chunks[0].sequence), 0U);
}

}  // namespace
}  // namespace nibble::model
