#include "model/kv_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "unit/model/kv_tables.h"

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

/// One layer, two heads of 16, with a scheme.
class CodedKvCache : public ::testing::Test {
 protected:
  static KvCache make(std::string_view name, std::size_t max_bytes = std::size_t{1} << 20) {
    ModelConfig config;
    config.n_layers = 1;
    config.n_heads = config.n_kv_heads = 2;
    config.head_dim = 16;
    config.rope_theta = 10000.0F;
    KvSetup setup = kv_setup(*codec::kv_scheme_from_name(name).take(), Arithmetic::kF32);
    if (setup.scheme->needs_tables()) {
      setup.tables = std::make_shared<KvTableList>(testing::flat_tables(config, 4));
    }
    return {config, setup, max_bytes};
  }
  static std::size_t n_floats(const KvCache& cache, SequenceId sequence) {
    const auto floats = cache.floats(sequence, 0);
    return static_cast<std::size_t>(std::ranges::count_if(
        floats, [](const ops::KvPageView& page) { return page.keys != nullptr; }));
  }
};

TEST_F(CodedKvCache, TakesAsManyBytesAsItsBlocks) {
  // 64 tokens x 32 channels of keys and of values: 5 bits with scale and minimum for 32 each, 16 of
  // which one head fills.
  KvCache cache = make("int4");
  const SequenceId a = cache.create();
  cache.extend(a, 1);
  EXPECT_EQ(cache.bytes_in_use(), 2U * 64 * 32 * 6 / 8);
  EXPECT_EQ(cache.bytes_per_token(), 2U * 32 * 6 / 8);
  EXPECT_NE(cache.coding(0), nullptr);
  EXPECT_EQ(n_floats(cache, a), 0U);
}

TEST_F(CodedKvCache, GivesBackFloatsThatNoTokenSees) {
  KvCache cache = make("kivi-4");
  const SequenceId a = cache.create();
  cache.extend(a, 320);
  EXPECT_EQ(n_floats(cache, a), 5U);
  const std::size_t before = cache.bytes_in_use();
  cache.extend(a, 1);  // sees values from 192 on
  EXPECT_EQ(n_floats(cache, a), 3U);
  EXPECT_LT(cache.bytes_in_use(), before);
  EXPECT_TRUE(cache.can_fork(a, 321));
  EXPECT_TRUE(cache.can_fork(a, 320));
  EXPECT_FALSE(cache.can_fork(a, 300)) << "values 172 to 191 are gone as floats";
  cache.truncate(a, 320);
  EXPECT_EQ(cache.length(a), 320U);
  cache.drop(a);
  EXPECT_EQ(cache.bytes_in_use(), 0U);
}

TEST_F(CodedKvCache, AForkKeepsItsOwnWindow) {
  KvCache cache = make("kivi-2");
  const SequenceId a = cache.create();
  cache.extend(a, 300);
  const SequenceId b = cache.fork(a, 150);
  auto* const shared = static_cast<float*>(cache.floats(a, 0)[2].keys);
  shared[5] = 3.0F;
  cache.extend(a, 100);
  cache.extend(a, 1);
  EXPECT_EQ(cache.floats(a, 0)[2].keys, nullptr);
  cache.extend(b, 1);  // copies page 2, of which both had a part
  ASSERT_NE(cache.floats(b, 0)[2].keys, nullptr);
  EXPECT_EQ(static_cast<float*>(cache.floats(b, 0)[2].keys)[5], 3.0F);
  EXPECT_EQ(n_floats(cache, b), 3U);
}

TEST_F(CodedKvCache, KeepsTheSinkBesideTheFirstPage) {
  KvCache cache = make("kvquant-4");
  const SequenceId a = cache.create();
  cache.extend(a, 200);
  cache.extend(a, 1);
  EXPECT_EQ(n_floats(cache, a), 1U);
  EXPECT_NE(cache.floats(a, 0)[0].keys, nullptr);
  EXPECT_TRUE(cache.can_fork(a, 10));
  EXPECT_EQ(cache.coding(0)->rotations->pages().size(), 4U);
}

TEST_F(CodedKvCache, PlansNoLessThanItTakes) {
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    if (scheme.name == "kvquant-3") {
      continue;  // the tables of the fixture have 16 levels
    }
    KvCache cache = make(scheme.name);
    const SequenceId a = cache.create();
    for (std::size_t length = 0; length < 600; length += 100) {
      cache.extend(a, 100);
      EXPECT_LE(cache.bytes_in_use(), cache.bytes_for(length + 100, 100)) << scheme.name;
    }
  }
}

}  // namespace
}  // namespace nibble::model
