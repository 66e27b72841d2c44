#include "model/kv_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nibble::model {
namespace {

/// Two layers, one head of dimension 2: a token takes 2 * 2 * 2 floats = 32 bytes.
ModelConfig small_config() {
  ModelConfig config;
  config.n_layers = 2;
  config.n_heads = config.n_kv_heads = 1;
  config.head_dim = 2;
  return config;
}
constexpr std::size_t kPageBytes = 32 * kPageTokens;

class KvCacheTest : public ::testing::Test {
 protected:
  static float* key(KvCache& cache, SequenceId sequence, std::size_t layer, std::size_t position) {
    const auto pages = cache.pages(sequence, layer);
    return static_cast<float*>(pages.at(position / kPageTokens).keys) + position % kPageTokens * 2;
  }

  KvCache cache_{small_config(), DType::kF32, 4 * kPageBytes};
};

TEST_F(KvCacheTest, CountsBytes) {
  EXPECT_EQ(KvCache::bytes_per_token(small_config(), DType::kF32), 32U);
  EXPECT_EQ(KvCache::bytes_per_token(small_config(), DType::kF16), 16U);
  const SequenceId a = cache_.create();
  EXPECT_EQ(cache_.bytes_in_use(), 0U);
  cache_.extend(a, 1);
  EXPECT_EQ(cache_.bytes_in_use(), kPageBytes);
  cache_.extend(a, kPageTokens);
  EXPECT_EQ(cache_.bytes_in_use(), 2 * kPageBytes);
  EXPECT_EQ(cache_.length(a), kPageTokens + 1);
  cache_.drop(a);
  EXPECT_EQ(cache_.bytes_in_use(), 0U);
}

TEST_F(KvCacheTest, KeysAndValuesOfAllLayersLieApart) {
  const SequenceId a = cache_.create();
  cache_.extend(a, 1);
  const auto first = cache_.pages(a, 0);
  const auto second = cache_.pages(a, 1);
  const auto* begin = static_cast<const std::byte*>(first[0].keys);
  constexpr std::ptrdiff_t kHalf = kPageTokens * 2 * sizeof(float);
  EXPECT_EQ(static_cast<const std::byte*>(first[0].values) - begin, kHalf);
  EXPECT_EQ(static_cast<const std::byte*>(second[0].keys) - begin, 2 * kHalf);
  EXPECT_EQ(static_cast<const std::byte*>(second[0].values) - begin, 3 * kHalf);
}

TEST_F(KvCacheTest, AForkSharesPagesUntilOneSideGoesOn) {
  const SequenceId parent = cache_.create();
  cache_.extend(parent, kPageTokens + 3);
  *key(cache_, parent, 1, kPageTokens + 2) = 7.0F;
  const SequenceId child = cache_.fork(parent);
  EXPECT_EQ(cache_.bytes_in_use(), 2 * kPageBytes);

  cache_.extend(child, 1);
  EXPECT_EQ(cache_.bytes_in_use(), 3 * kPageBytes);
  EXPECT_EQ(key(cache_, child, 0, 0), key(cache_, parent, 0, 0));  // the full page stays shared
  EXPECT_NE(key(cache_, child, 1, kPageTokens + 2), key(cache_, parent, 1, kPageTokens + 2));
  EXPECT_EQ(*key(cache_, child, 1, kPageTokens + 2), 7.0F);
  EXPECT_EQ(cache_.length(parent), kPageTokens + 3);
}

TEST_F(KvCacheTest, AForkOfWholePagesCopiesNothing) {
  const SequenceId parent = cache_.create();
  cache_.extend(parent, kPageTokens + 3);
  const SequenceId child = cache_.fork(parent, kPageTokens);
  cache_.extend(child, 1);
  EXPECT_EQ(cache_.bytes_in_use(), 3 * kPageBytes);
  EXPECT_EQ(cache_.length(child), kPageTokens + 1);
}

TEST_F(KvCacheTest, ATruncatedSequenceDoesNotWriteIntoSharedPages) {
  const SequenceId parent = cache_.create();
  cache_.extend(parent, kPageTokens);
  *key(cache_, parent, 0, 10) = 3.0F;
  const SequenceId child = cache_.fork(parent);
  cache_.truncate(child, 10);
  cache_.extend(child, 1);
  *key(cache_, child, 0, 10) = 4.0F;
  EXPECT_EQ(*key(cache_, parent, 0, 10), 3.0F);
}

TEST_F(KvCacheTest, DroppingTheParentLeavesTheChildItsPages) {
  const SequenceId parent = cache_.create();
  cache_.extend(parent, 5);
  *key(cache_, parent, 0, 4) = 9.0F;
  const SequenceId child = cache_.fork(parent);
  cache_.drop(parent);
  EXPECT_EQ(cache_.bytes_in_use(), kPageBytes);
  EXPECT_EQ(*key(cache_, child, 0, 4), 9.0F);
}

TEST_F(KvCacheTest, AnExhaustedBudgetNamesTheSizesAndChangesNothing) {
  const SequenceId a = cache_.create();
  cache_.extend(a, 3 * kPageTokens);
  try {
    cache_.extend(a, 2 * kPageTokens);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_THAT(error.what(), ::testing::StartsWith("key/value cache: 0.0 MiB more are needed"));
  }
  EXPECT_EQ(cache_.length(a), 3 * kPageTokens);
  cache_.extend(a, kPageTokens);  // what fits still fits
  EXPECT_EQ(cache_.bytes_in_use(), 4 * kPageBytes);
}

TEST_F(KvCacheTest, PagesAreUsedAgain) {
  for (int i = 0; i < 10; ++i) {
    const SequenceId a = cache_.create();
    cache_.extend(a, 3 * kPageTokens);
    cache_.drop(a);
  }
  EXPECT_EQ(cache_.bytes_in_use(), 0U);
}

TEST_F(KvCacheTest, AnUnknownSequenceIsABug) {
  EXPECT_THROW(static_cast<void>(cache_.length(3)), Error);
}

}  // namespace
}  // namespace nibble::model
