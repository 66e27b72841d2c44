// RoPE, the pages and attention on a GPU against the operations of the host over pages of the same
// values: tiles of both widths, parts of the keys, windows, groups of heads, pages that do and do
// not end with the keys.
//
// Tolerance: queries, keys, values and weights of the softmax are binary16: 2^-11 each, of values
// of the order of one.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "ops/attention.h"
#include "ops/device/device.h"
#include "ops/rope.h"
#include "support/gpu.h"
#include "tensor/half.h"

namespace nibble::ops {
namespace {

constexpr std::size_t kPage = 64;

struct Shape {
  std::size_t n_heads, n_kv_heads, head_dim, n_before, n_new, window;
};

constexpr Shape kShapes[] = {{9, 3, 64, 0, 1, 0},
                             {9, 3, 64, 0, 70, 0},
                             {9, 3, 64, 63, 1, 0},
                             {32, 8, 128, 300, 1, 0},
                             {32, 8, 128, 1000, 3, 0},
                             {8, 2, 128, 130, 150, 100},
                             {14, 2, 64, 511, 40, 0},
                             {4, 4, 64, 700, 1, 128}};

/// One sequence on both sides: projections of its tokens, pages, what attention gives.
class Scene {
 public:
  Scene(Device& device, const Shape& shape) : device_(device), shape_(shape), pool_(2) {
    n_all_ = (shape.n_heads + 2 * shape.n_kv_heads) * shape.head_dim;
    n_tokens_ = shape.n_before + shape.n_new;
    std::mt19937 random(17);
    std::normal_distribution<float> normal;
    qkv_.resize(n_tokens_ * n_all_);
    for (std::uint16_t& x : qkv_) {
      x = f32_to_f16(normal(random));
    }
    frequencies_ = rope_inverse_frequencies(shape.head_dim, 10000.0F, {});
  }

  std::vector<float> on_host() {
    const std::size_t dim = shape_.head_dim, kv = shape_.n_kv_heads * dim,
                      qw = shape_.n_heads * dim;
    std::vector<float> q(n_tokens_ * qw), k(n_tokens_ * kv), v(n_tokens_ * kv);
    std::vector<std::int32_t> positions(n_tokens_);
    for (std::size_t t = 0; t < n_tokens_; ++t) {
      positions[t] = static_cast<std::int32_t>(t);
      for (std::size_t i = 0; i < n_all_; ++i) {
        const float x = f16_to_f32(qkv_[t * n_all_ + i]);
        (i < qw ? q[t * qw + i] : i < qw + kv ? k[t * kv + i - qw] : v[t * kv + i - qw - kv]) = x;
      }
    }
    rope_in_place({q.data(), n_tokens_, qw}, dim, frequencies_, positions, pool_);
    rope_in_place({k.data(), n_tokens_, kv}, dim, frequencies_, positions, pool_);
    std::vector<std::vector<float>> storage;
    std::vector<KvPageView> pages;
    for (std::size_t page = 0; page < (n_tokens_ + kPage - 1) / kPage; ++page) {
      storage.emplace_back(2 * kPage * kv);
      pages.push_back({storage.back().data(), storage.back().data() + kPage * kv});
    }
    AttentionShape shape{
        .n_heads = shape_.n_heads, .n_kv_heads = shape_.n_kv_heads, .head_dim = dim};
    shape.scale = 1.0F / std::sqrt(static_cast<float>(dim));
    shape.window = shape_.window;
    shape.page_tokens = kPage;
    const std::vector<AttentionSequence> stored = {{0, n_tokens_, 0, pages}};
    store_kv(shape, {k.data(), n_tokens_, kv}, {v.data(), n_tokens_, kv}, stored, pool_);
    const std::vector<AttentionSequence> asked = {{0, shape_.n_new, shape_.n_before, pages}};
    std::vector<float> out(shape_.n_new * qw);
    attention(shape,
              {q.data() + shape_.n_before * qw, shape_.n_new, qw},
              asked,
              {out.data(), shape_.n_new, qw},
              pool_);
    return out;
  }

  std::vector<float> on_device(bool is_wide, std::size_t pages_per_split) {
    const std::size_t n_pages = (n_tokens_ + kPage - 1) / kPage;
    const std::size_t page_bytes = 2 * kPage * shape_.n_kv_heads * shape_.head_dim * 2;
    const DeviceBuffer storage = device_.allocate(n_pages * page_bytes);
    const std::vector<std::uint16_t> poison(n_pages * page_bytes / 2, 0x7E00);  // not a number
    device_.upload(poison.data(), storage.data(), storage.size());
    std::vector<std::uint64_t> pages;
    for (std::size_t i = 0; i < n_pages; ++i) {
      pages.push_back(std::bit_cast<std::uint64_t>(storage.data() + i * page_bytes));
    }
    page_list_ = device_.upload(std::span<const std::uint64_t>(pages));
    const std::vector<float> frequencies = frequencies_;
    const DeviceBuffer angles = device_.upload(std::span<const float>(frequencies));
    if (shape_.n_before > 0) {
      pass(0, shape_.n_before, angles);
    }
    const Batch batch = pass(shape_.n_before, shape_.n_new, angles);
    return ask(batch, is_wide, pages_per_split);
  }

 private:
  struct Batch {
    DeviceBuffer qkv, positions, zeros;
    kernels::cuda::BatchView view;
  };

  kernels::cuda::KvShape kv_shape() const {
    return {static_cast<int>(shape_.n_heads),
            static_cast<int>(shape_.n_kv_heads),
            static_cast<int>(shape_.head_dim),
            static_cast<int>(kPage),
            0};
  }

  /// Rotates and stores tokens [first, first + n).
  Batch pass(std::size_t first, std::size_t n, const DeviceBuffer& angles) {
    std::vector<std::int32_t> positions(n);
    for (std::size_t i = 0; i < n; ++i) {
      positions[i] = static_cast<std::int32_t>(first + i);
    }
    const std::vector<std::int32_t> zeros(n);
    Batch batch{
        device_.upload(std::span<const std::uint16_t>(qkv_).subspan(first * n_all_, n * n_all_)),
        device_.upload(std::span<const std::int32_t>(positions)),
        device_.upload(std::span<const std::int32_t>(zeros)),
        {}};
    batch.view.sequence_of = batch.view.first_page = batch.zeros.as<const std::int32_t>();
    batch.view.positions = batch.positions.as<const std::int32_t>();
    batch.view.pages = page_list_.as<const std::uint64_t>();
    batch.view.n_tokens = static_cast<int>(n);
    kernels::cuda::RopeTask rope;
    rope.batch = batch.view;
    rope.shape = kv_shape();
    rope.qkv = batch.qkv.data();
    rope.inverse_frequency = angles.as<const float>();
    device_.kernels().rope_store(rope, device_.stream());
    return batch;
  }

  std::vector<float> ask(const Batch& batch, bool is_wide, std::size_t pages_per_split) {
    const std::size_t heads = shape_.n_heads / shape_.n_kv_heads;
    const std::size_t tile =
        (is_wide ? kernels::cuda::kWideRows : kernels::cuda::kNarrowRows) / heads;
    std::vector<kernels::cuda::QueryTile> tiles;
    for (std::size_t first = 0; first < shape_.n_new; first += tile) {
      tiles.push_back({static_cast<std::int32_t>(first),
                       static_cast<std::int32_t>(std::min(tile, shape_.n_new - first))});
    }
    const DeviceBuffer tile_list = device_.upload(std::span<const kernels::cuda::QueryTile>(tiles));
    const std::size_t n_out = shape_.n_new * shape_.n_heads * shape_.head_dim;
    const std::vector<std::uint16_t> poison(n_out, 0x7E00);
    const DeviceBuffer out = device_.upload(std::span<const std::uint16_t>(poison));
    kernels::cuda::AttentionTask task;
    task.batch = batch.view;
    task.shape = kv_shape();
    task.qkv = batch.qkv.data();
    task.out = out.data();
    task.tiles = tile_list.as<const kernels::cuda::QueryTile>();
    task.n_tiles = static_cast<int>(tiles.size());
    task.pages_per_split = static_cast<int>(pages_per_split);
    task.n_splits =
        static_cast<int>(((n_tokens_ + kPage - 1) / kPage + pages_per_split - 1) / pages_per_split);
    task.scale = 1.0F / std::sqrt(static_cast<float>(shape_.head_dim));
    task.window = static_cast<int>(shape_.window);
    task.is_wide = is_wide;
    const DeviceBuffer partial = device_.allocate(attention_partial_floats(task) * sizeof(float));
    task.partial = partial.as<float>();
    device_.kernels().attention(task, device_.stream());
    device_.check("attention");
    std::vector<std::uint16_t> halves(n_out);
    device_.download(out.data(), halves.data(), n_out * 2);
    std::vector<float> values;
    for (const std::uint16_t x : halves) {
      values.push_back(f16_to_f32(x));
    }
    return values;
  }

  Device& device_;
  Shape shape_;
  ThreadPool pool_;
  std::size_t n_all_ = 0, n_tokens_ = 0;
  std::vector<std::uint16_t> qkv_;
  std::vector<float> frequencies_;
  DeviceBuffer page_list_;
};

TEST(DeviceAttention, FollowsTheHostInTilesAndPartsOfAnySize) {
  NIBBLE_NEEDS_GPU(device);
  for (const Shape& shape : kShapes) {
    Scene scene(device, shape);
    const std::vector<float> wanted = scene.on_host();
    for (const bool is_wide : {false, true}) {
      for (const std::size_t pages_per_split : {1U, 4U, 1000U}) {
        const std::vector<float> got = scene.on_device(is_wide, pages_per_split);
        ASSERT_EQ(got.size(), wanted.size());
        for (std::size_t i = 0; i < got.size(); ++i) {
          ASSERT_NEAR(got[i], wanted[i], 6e-3F)
              << shape.n_heads << " heads, " << shape.n_before << " + " << shape.n_new << ", wide "
              << is_wide << ", parts of " << pages_per_split << ", value " << i;
        }
      }
    }
  }
}

/// A query alone and among others, its keys in one part or in more parts than there are pages.
TEST(DeviceAttention, NarrowTilesGiveTheSameBitsInAnyCompany) {
  NIBBLE_NEEDS_GPU(device);
  constexpr Shape kMany{32, 8, 128, 400, 9, 0};
  constexpr Shape kFew{32, 8, 128, 400, 1, 0};
  Scene many(device, kMany), few(device, kFew);
  const auto all = many.on_device(false, 4);
  const auto one = few.on_device(false, 4);
  for (std::size_t i = 0; i < one.size(); ++i) {
    ASSERT_EQ(one[i], all[i]);
  }
}

}  // namespace
}  // namespace nibble::ops
