// RoPE, the pages and attention on a GPU against the operations of the host over pages of the same
// values: tiles of both widths, parts of the keys, windows, groups of heads, pages that do and do
// not end with the keys.
//
// Tolerance: queries, keys, values and weights of the softmax are binary16: 2^-11 each, of values
// of the order of one.
#include <gtest/gtest.h>

#include <algorithm>
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
                             {4, 4, 64, 700, 1, 128},
                             {32, 8, 128, 1500, 1, 0},
                             {16, 1, 64, 200, 1, 0}};

/// One sequence on both sides: projections of its tokens, pages, what attention gives.
class Scene {
 public:
  Scene(Device& device, const Shape& shape, bool arranges = false)
      : device_(device), shape_(shape), arranges_(arranges), pool_(2) {
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
    const DeviceBuffer storage = make_pages();
    const DeviceBuffer angles = device_.upload(std::span<const float>(frequencies_));
    if (shape_.n_before > 0) {
      pass(0, shape_.n_before, angles);
    }
    const Batch batch = pass(shape_.n_before, shape_.n_new, angles);
    return ask(batch, is_wide, pages_per_split);
  }

  /// One token of `n_copies` sequences that are all this one, with room for `most_pages`.
  std::vector<float> decoded(std::size_t n_copies, std::size_t most_pages) {
    const DeviceBuffer storage = make_pages();
    const DeviceBuffer angles = device_.upload(std::span<const float>(frequencies_));
    if (shape_.n_before > 0) {
      pass(0, shape_.n_before, angles);
    }
    const std::vector<std::int32_t> positions(n_copies, static_cast<std::int32_t>(shape_.n_before));
    std::vector<std::uint16_t> lines;
    for (std::size_t i = 0; i < n_copies; ++i) {
      lines.insert(lines.end(), qkv_.end() - static_cast<std::ptrdiff_t>(n_all_), qkv_.end());
    }
    const std::vector<std::int32_t> zeros(n_copies);
    const Batch batch{device_.upload(std::span<const std::uint16_t>(lines)),
                      device_.upload(std::span<const std::int32_t>(positions)),
                      device_.upload(std::span<const std::int32_t>(zeros)),
                      {}};
    kernels::cuda::RopeTask rope = rope_task(batch, n_copies, angles);
    const DeviceBuffer out = poisoned(out_halves(n_copies));
    kernels::cuda::AttentionTask task = attention_task(rope, out);
    task.n_splits = static_cast<int>(most_pages);
    task.pages_per_split = 1;
    if (!device_.kernels().decode_attention(rope, task, device_.stream())) {
      return {};
    }
    device_.check("attention of one token");
    return values_of(out, n_copies);
  }

 private:
  struct Batch {
    DeviceBuffer qkv, positions, zeros;
    kernels::cuda::RopeTask rope;
  };

  kernels::cuda::KvShape kv_shape() const {
    return {static_cast<int>(shape_.n_heads),
            static_cast<int>(shape_.n_kv_heads),
            static_cast<int>(shape_.head_dim),
            static_cast<int>(kPage),
            0};
  }

  /// Pages that hold no numbers yet.
  DeviceBuffer make_pages() {
    const std::size_t n_pages = (n_tokens_ + kPage - 1) / kPage;
    const std::size_t page_halves = 2 * kPage * shape_.n_kv_heads * shape_.head_dim;
    const DeviceBuffer storage = poisoned(n_pages * page_halves);
    std::vector<std::uint64_t> pages;
    for (std::size_t i = 0; i < n_pages; ++i) {
      pages.push_back(std::bit_cast<std::uint64_t>(storage.data() + i * page_halves * 2));
    }
    page_list_ = device_.upload(std::span<const std::uint64_t>(pages));
    return storage;
  }
  DeviceBuffer poisoned(std::size_t n) {
    const std::vector<std::uint16_t> poison(n, 0x7E00);  // not a number
    return device_.upload(std::span<const std::uint16_t>(poison));
  }
  /// [n_tokens][width] of what attention left, however it lies there.
  std::vector<float> values_of(const DeviceBuffer& halves, std::size_t n_tokens) {
    const std::size_t width = shape_.n_heads * shape_.head_dim;
    std::vector<std::uint16_t> bits(halves.size() / 2);
    device_.download(halves.data(), bits.data(), halves.size());
    std::vector<float> values(n_tokens * width);
    for (std::size_t t = 0; t < n_tokens; ++t) {
      for (std::size_t c = 0; c < width; ++c) {
        const std::size_t at = arranges_ ? arranged_place(t, c, n_tokens) : t * width + c;
        values[t * width + c] = f16_to_f32(bits[at]);
      }
    }
    return values;
  }
  /// kernels/cuda/arrange.cuh in words: 64 columns by 8 tokens by chunks of 8 values, which change
  /// places with the token.
  static std::size_t arranged_place(std::size_t token, std::size_t col, std::size_t n_tokens) {
    const std::size_t n_eights = (n_tokens + 7) / 8, in = col % 64;
    const std::size_t j = in / 16, s = in % 16 / 4, h = in % 4 / 2, e = in % 2;
    const std::size_t place = 16 * s + 8 * h + 2 * j + e;
    const std::size_t line = (col / 64 * n_eights + token / 8) * 8 + token % 8;
    return line * 64 + (place / 8 ^ token % 8) * 8 + place % 8;
  }
  std::size_t out_halves(std::size_t n_tokens) const {
    return (n_tokens + 7) / 8 * 8 * shape_.n_heads * shape_.head_dim;
  }

  kernels::cuda::RopeTask rope_task(const Batch& batch, std::size_t n, const DeviceBuffer& angles) {
    kernels::cuda::RopeTask rope;
    rope.batch.sequence_of = rope.batch.first_page = batch.zeros.as<const std::int32_t>();
    rope.batch.positions = batch.positions.as<const std::int32_t>();
    rope.batch.pages = page_list_.as<const std::uint64_t>();
    rope.batch.n_tokens = static_cast<int>(n);
    rope.shape = kv_shape();
    rope.qkv = batch.qkv.data();
    rope.inverse_frequency = angles.as<const float>();
    return rope;
  }
  kernels::cuda::AttentionTask attention_task(const kernels::cuda::RopeTask& rope,
                                              const DeviceBuffer& out) {
    kernels::cuda::AttentionTask task;
    task.batch = rope.batch;
    task.shape = rope.shape;
    task.qkv = rope.qkv;
    task.out = out.data();
    task.arranges = arranges_;
    task.scale = 1.0F / std::sqrt(static_cast<float>(shape_.head_dim));
    task.window = static_cast<int>(shape_.window);
    return task;
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
    batch.rope = rope_task(batch, n, angles);
    device_.kernels().rope_store(batch.rope, device_.stream());
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
    const DeviceBuffer out = poisoned(out_halves(shape_.n_new));
    kernels::cuda::AttentionTask task = attention_task(batch.rope, out);
    task.tiles = tile_list.as<const kernels::cuda::QueryTile>();
    task.n_tiles = static_cast<int>(tiles.size());
    task.pages_per_split = static_cast<int>(pages_per_split);
    task.n_splits =
        static_cast<int>(((n_tokens_ + kPage - 1) / kPage + pages_per_split - 1) / pages_per_split);
    task.is_wide = is_wide;
    const DeviceBuffer partial = device_.allocate(attention_partial_floats(task) * sizeof(float));
    task.partial = partial.as<float>();
    device_.kernels().attention(task, device_.stream());
    device_.check("attention");
    return values_of(out, shape_.n_new);
  }

  Device& device_;
  Shape shape_;
  bool arranges_;
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

/// Alone and in so many copies that no pages are shared among blocks.
TEST(DeviceAttention, OfOneTokenFollowsTheHost) {
  NIBBLE_NEEDS_GPU(device);
  for (const Shape& shape : kShapes) {
    if (shape.n_new != 1) {
      continue;
    }
    Scene scene(device, shape);
    const std::vector<float> wanted = scene.on_host();
    const std::size_t n_pages = (shape.n_before + kPage) / kPage;
    for (const auto& [n_copies, most_pages] :
         {std::pair<std::size_t, std::size_t>{1, n_pages}, {1, 64}, {3, n_pages}, {70, n_pages}}) {
      const std::vector<float> got = scene.decoded(n_copies, most_pages);
      if (got.empty()) {
        GTEST_SKIP() << "the device has no kernel for one token";
      }
      ASSERT_EQ(got.size(), n_copies * wanted.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], wanted[i % wanted.size()], 6e-3F)
            << shape.n_heads << " heads, " << shape.n_before << " before, " << n_copies
            << " copies, room for " << most_pages << ", value " << i;
      }
    }
  }
}

TEST(DeviceAttention, ArrangesTheSameValues) {
  NIBBLE_NEEDS_GPU(device);
  for (const Shape& shape : kShapes) {
    Scene plain(device, shape), arranged(device, shape, true);
    for (const bool is_wide : {false, true}) {
      for (const std::size_t pages_per_split : {1U, 1000U}) {
        ASSERT_EQ(plain.on_device(is_wide, pages_per_split),
                  arranged.on_device(is_wide, pages_per_split));
      }
    }
    if (shape.n_new == 1) {
      ASSERT_EQ(plain.decoded(20, 24), arranged.decoded(20, 24));
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
