// What kernels are told of a page is where the cache puts it, in every scheme and layer.
#include "model/device/kv_pages.h"

#include <gtest/gtest.h>

namespace nibble::model {
namespace {

ModelConfig three_layers() {
  ModelConfig config;
  config.n_layers = 3;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = 64;
  return config;
}

std::size_t apart(const void* from, const void* to) {
  return static_cast<std::size_t>(static_cast<const std::byte*>(to) -
                                  static_cast<const std::byte*>(from));
}

TEST(LayerPages, AreWhereTheCachePutsThem) {
  const ModelConfig config = three_layers();
  const codec::KvShape shape{config.n_kv_heads, config.head_dim};
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    if (!scheme.is_coded() && scheme.float_dtype != DType::kF16) {
      continue;  // no device keeps float32
    }
    KvSetup setup = kv_setup(scheme, Arithmetic::kNative);
    if (scheme.needs_tables()) {
      setup.tables = std::make_shared<KvTableList>(config.n_layers);
    }
    KvCache cache(config, setup, std::size_t{1} << 24);
    const SequenceId sequence = cache.create();
    cache.extend(sequence, 1);
    for (std::size_t layer = 0; layer < config.n_layers; ++layer) {
      const kernels::cuda::KvPages pages = ops::layer_pages(scheme, shape, layer);
      const auto first = cache.pages(sequence, 0)[0], own = cache.pages(sequence, layer)[0];
      EXPECT_EQ(pages.is_coded(), scheme.is_coded());
      const bool is_coded = scheme.is_coded();
      EXPECT_EQ(is_coded ? pages.keys.at : pages.keys.floats_at, apart(first.keys, own.keys))
          << scheme.name << ", layer " << layer;
      EXPECT_EQ(is_coded ? pages.values.at : pages.values.floats_at, apart(first.keys, own.values))
          << scheme.name << ", layer " << layer;
      if (is_coded && pages.float_tokens > 0) {
        const auto beside = cache.floats(sequence, 0)[0], kept = cache.floats(sequence, layer)[0];
        EXPECT_EQ(pages.keys.floats_at, apart(beside.keys, kept.keys)) << scheme.name;
        EXPECT_EQ(pages.values.floats_at, apart(beside.keys, kept.values)) << scheme.name;
      }
    }
  }
}

}  // namespace
}  // namespace nibble::model
