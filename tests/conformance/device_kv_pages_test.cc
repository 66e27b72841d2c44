// Pages of every kind on a GPU against the host's: the same halves become the same bits, in
// whatever pieces two sequences are stored, and attention over them gives what the host's gives.
//
// Tolerance of attention: decoded keys and values, queries and weights of the softmax are binary16:
// 2^-11 each, of values of the order of one.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "ops/device/kv_pages.h"
#include "support/coded_pages.h"
#include "support/gpu.h"
#include "tensor/half.h"

namespace nibble::ops {
namespace {

using nibble::testing::CodedPages;
using nibble::testing::Coding;
using nibble::testing::normal_values;

struct PagedShape {
  std::size_t n_heads, n_kv_heads, head_dim;
  std::size_t n_before, n_new;  ///< tokens that queries of the last n_new stand behind
  std::size_t window = 0;
  float softcap = 0.0F;
};

constexpr PagedShape kPagedShapes[] = {{9, 3, 64, 0, 1},
                                       {9, 3, 64, 0, 70},
                                       {3, 3, 64, 63, 1},
                                       {8, 2, 128, 300, 1},
                                       {8, 2, 128, 250, 150},
                                       {4, 2, 64, 333, 40, 100},
                                       {4, 1, 256, 200, 3, 0, 20.0F},
                                       {4, 2, 128, 1023, 1, 150},
                                       {16, 1, 64, 127, 2}};

std::vector<std::uint16_t> halves_of(const std::vector<float>& values) {
  std::vector<std::uint16_t> out(values.size());
  std::ranges::transform(values, out.begin(), [](float x) { return f32_to_f16(x); });
  return out;
}

/// Queries, keys and values of one sequence as both sides have them, rounded to binary16.
struct Tokens {
  Tokens(const PagedShape& shape, std::uint32_t seed)
      : n(shape.n_before + shape.n_new),
        q_width(shape.n_heads * shape.head_dim),
        kv_width(shape.n_kv_heads * shape.head_dim),
        qkv(halves_of(normal_values(n * (q_width + 2 * kv_width), 1.0F, seed))) {}

  /// Columns [first, first + width) of all tokens as floats.
  [[nodiscard]] std::vector<float> columns(std::size_t first, std::size_t width) const {
    std::vector<float> out(n * width);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = f16_to_f32(qkv[i / width * line() + first + i % width]);
    }
    return out;
  }
  [[nodiscard]] std::size_t line() const { return q_width + 2 * kv_width; }

  std::size_t n, q_width, kv_width;
  std::vector<std::uint16_t> qkv;
};

/// One scheme and shape on the host: its pages, and what attention gives.
class HostSide {
 public:
  HostSide(const codec::KvScheme& scheme, const PagedShape& shape, const Tokens& tokens)
      : coding_(scheme, {shape.n_kv_heads, shape.head_dim}),
        shape_(shape_of(shape)),
        pages_(shape_, tokens.n) {
    coding_.rotations.cover(tokens.n);
    const auto k = tokens.columns(tokens.q_width, tokens.kv_width);
    const auto v = tokens.columns(tokens.q_width + tokens.kv_width, tokens.kv_width);
    const AttentionSequence stored = pages_.sequence(0, tokens.n);
    store_kv(shape_,
             {k.data(), tokens.n, tokens.kv_width},
             {v.data(), tokens.n, tokens.kv_width},
             std::span(&stored, 1),
             pool_);
    const auto q = tokens.columns(0, tokens.q_width);
    out_.resize(shape.n_new * tokens.q_width);
    const AttentionSequence asked = pages_.sequence(shape.n_before, shape.n_new);
    attention(shape_,
              {q.data() + shape.n_before * tokens.q_width, shape.n_new, tokens.q_width},
              std::span(&asked, 1),
              {out_.data(), shape.n_new, tokens.q_width},
              pool_);
  }

  [[nodiscard]] const codec::KvTables* tables() const { return coding_.view.tables; }
  [[nodiscard]] std::span<const float> frequencies() const {
    return coding_.rotations.inverse_frequency();
  }
  [[nodiscard]] const CodedPages& pages() const { return pages_; }
  [[nodiscard]] const std::vector<float>& out() const { return out_; }

 private:
  [[nodiscard]] AttentionShape shape_of(const PagedShape& shape) const {
    AttentionShape out{shape.n_heads, shape.n_kv_heads, shape.head_dim};
    out.scale = 1.0F / std::sqrt(static_cast<float>(shape.head_dim));
    out.softcap = shape.softcap;
    out.window = shape.window;
    out.page_tokens = codec::kKvPageTokens;
    out.kv_dtype = DType::kF16;
    out.coding = &coding_.view;
    return out;
  }

  Coding coding_;
  AttentionShape shape_;
  CodedPages pages_;
  ThreadPool pool_{2};
  std::vector<float> out_;
};

/// The same on a device, for two sequences at once.
class DeviceSide {
 public:
  DeviceSide(Device& device,
             const codec::KvScheme& scheme,
             const PagedShape& shape,
             const HostSide& host,
             std::span<const Tokens* const, 2> tokens)
      : device_(device), shape_(shape), tokens_(tokens), kv_{shape.n_kv_heads, shape.head_dim} {
    layer_ = layer_pages(scheme, kv_, 0);
    std::vector<float> tables(1);
    if (host.tables() != nullptr) {
      tables.clear();
      append_tables(*host.tables(), tables);
    }
    tables_ = device.upload(std::span<const float>(tables));
    if (host.tables() != nullptr) {
      point_to_tables(tables_.as<const float>(), kv_, layer_);
    }
    frequencies_ = device.upload(host.frequencies());
    if (scheme.keys_before_rope) {
      layer_.inverse_frequency = frequencies_.as<const float>();
    }
    page_bytes_ = scheme.is_coded() ? codec::kv_layout(scheme.keys, kv_).n_bytes +
                                          codec::kv_layout(scheme.values, kv_).n_bytes
                                    : 0;
    float_bytes_ = static_cast<std::size_t>(layer_.float_tokens) * kv_.width() * 4;
    n_pages_ = ceil_div(tokens_[0]->n, codec::kKvPageTokens);
    page_memory_ = filled(2 * n_pages_ * (scheme.is_coded() ? page_bytes_ : float_bytes_));
    float_memory_ = filled(2 * n_pages_ * float_bytes_);
    page_list_ = addresses(page_memory_, scheme.is_coded() ? page_bytes_ : float_bytes_);
    float_list_ = addresses(float_memory_, float_bytes_);
  }

  /// Stores tokens [first[s], first[s] + n[s]) of each sequence in one pass.
  void store(std::array<std::size_t, 2> first, std::array<std::size_t, 2> n) {
    const Batch batch = make_batch(first, n);
    kernels::cuda::StoreTask task;
    task.batch = batch.view;
    task.shape = shape();
    task.kv = layer_;
    task.qkv = batch.qkv.data();
    const DeviceBuffer cuts = device_.allocate((n[0] + n[1]) * 8);
    task.cuts = cuts.as<float>();
    device_.kernels().store_kv(task, device_.stream());
    device_.check("storing keys and values");
    device_.synchronize();
  }

  /// What the last tokens of both sequences get.
  std::vector<float> attend(bool is_wide, std::size_t pages_per_split) {
    const Batch batch =
        make_batch({shape_.n_before, shape_.n_before}, {shape_.n_new, shape_.n_new});
    const std::size_t heads = shape_.n_heads / shape_.n_kv_heads;
    const std::size_t most =
        (is_wide ? kernels::cuda::kWideRows : kernels::cuda::kNarrowRows) / heads;
    std::vector<kernels::cuda::QueryTile> tiles;
    for (std::size_t s = 0; s < 2; ++s) {
      for (std::size_t i = 0; i < shape_.n_new; i += most) {
        tiles.push_back({static_cast<std::int32_t>(s * shape_.n_new + i),
                         static_cast<std::int32_t>(std::min(most, shape_.n_new - i))});
      }
    }
    const DeviceBuffer tile_list = device_.upload(std::span<const kernels::cuda::QueryTile>(tiles));
    const std::size_t width = shape_.n_heads * shape_.head_dim;
    const DeviceBuffer out = filled(2 * shape_.n_new * width * 2);
    kernels::cuda::AttentionTask task;
    task.batch = batch.view;
    task.shape = shape();
    task.qkv = batch.qkv.data();
    task.out = out.data();
    task.tiles = tile_list.as<const kernels::cuda::QueryTile>();
    task.n_tiles = static_cast<int>(tiles.size());
    task.pages_per_split = static_cast<int>(pages_per_split);
    task.n_splits = static_cast<int>(ceil_div(n_pages_, pages_per_split));
    task.scale = 1.0F / std::sqrt(static_cast<float>(shape_.head_dim));
    task.softcap = shape_.softcap;
    task.window = static_cast<int>(shape_.window);
    task.is_wide = is_wide;
    const DeviceBuffer partial = device_.allocate(attention_partial_floats(task) * sizeof(float));
    task.partial = partial.as<float>();
    device_.kernels().page_attention(task, layer_, device_.stream());
    device_.check("attention over pages");
    std::vector<std::uint16_t> halves(2 * shape_.n_new * width);
    device_.download(out.data(), halves.data(), halves.size() * 2);
    std::vector<float> values(halves.size());
    std::ranges::transform(halves, values.begin(), [](std::uint16_t x) { return f16_to_f32(x); });
    return values;
  }

  /// Bytes of a page of codes of a sequence.
  std::vector<std::uint8_t> page(std::size_t sequence, std::size_t index) {
    return bytes_of(page_memory_, sequence * n_pages_ + index, page_bytes_);
  }
  /// Keys, then values, of a page of floats.
  std::vector<std::uint8_t> floats(std::size_t sequence, std::size_t index) {
    return bytes_of(float_memory_, sequence * n_pages_ + index, float_bytes_);
  }

 private:
  struct Batch {
    DeviceBuffer qkv, positions, sequences;
    kernels::cuda::BatchView view;
  };

  [[nodiscard]] kernels::cuda::KvShape shape() const {
    return {static_cast<int>(shape_.n_heads),
            static_cast<int>(shape_.n_kv_heads),
            static_cast<int>(shape_.head_dim),
            static_cast<int>(codec::kKvPageTokens),
            0};
  }
  DeviceBuffer filled(std::size_t n_bytes) {
    const std::vector<std::uint8_t> bytes(n_bytes + 1, 0x55);
    return device_.upload(std::span<const std::uint8_t>(bytes));
  }
  DeviceBuffer addresses(const DeviceBuffer& memory, std::size_t bytes) {
    std::vector<std::uint64_t> list;
    for (std::size_t i = 0; i < 2 * n_pages_; ++i) {
      list.push_back(std::bit_cast<std::uint64_t>(memory.data() + i * bytes));
    }
    return device_.upload(std::span<const std::uint64_t>(list));
  }
  std::vector<std::uint8_t> bytes_of(const DeviceBuffer& memory, std::size_t at, std::size_t size) {
    std::vector<std::uint8_t> out(size);
    device_.download(memory.data() + at * size, out.data(), size);
    return out;
  }

  Batch make_batch(std::array<std::size_t, 2> first, std::array<std::size_t, 2> n) {
    std::vector<std::uint16_t> qkv;
    std::vector<std::int32_t> positions, sequences;
    for (std::size_t s = 0; s < 2; ++s) {
      const auto from =
          tokens_[s]->qkv.begin() + static_cast<std::ptrdiff_t>(first[s] * tokens_[s]->line());
      qkv.insert(qkv.end(), from, from + static_cast<std::ptrdiff_t>(n[s] * tokens_[s]->line()));
      for (std::size_t i = 0; i < n[s]; ++i) {
        positions.push_back(static_cast<std::int32_t>(first[s] + i));
        sequences.push_back(static_cast<std::int32_t>(s));
      }
    }
    sequences.insert(sequences.end(), {0, static_cast<std::int32_t>(n_pages_)});  // first pages
    Batch batch{device_.upload(std::span<const std::uint16_t>(qkv)),
                device_.upload(std::span<const std::int32_t>(positions)),
                device_.upload(std::span<const std::int32_t>(sequences)),
                {}};
    batch.view.sequence_of = batch.sequences.as<const std::int32_t>();
    batch.view.first_page = batch.view.sequence_of + positions.size();
    batch.view.positions = batch.positions.as<const std::int32_t>();
    batch.view.pages = page_list_.as<const std::uint64_t>();
    batch.view.floats = float_list_.as<const std::uint64_t>();
    batch.view.n_tokens = static_cast<int>(positions.size());
    return batch;
  }

  Device& device_;
  PagedShape shape_;
  std::span<const Tokens* const, 2> tokens_;
  codec::KvShape kv_;
  kernels::cuda::KvPages layer_;
  std::size_t page_bytes_ = 0, float_bytes_ = 0, n_pages_ = 0;
  DeviceBuffer tables_, frequencies_, page_memory_, float_memory_, page_list_, float_list_;
};

/// Everything in pieces that end within pages and groups, of other lengths in each sequence.
void store_in_pieces(DeviceSide& device, std::size_t n) {
  constexpr std::size_t kPieces[2][5] = {{1, 40, 7, 100, 300}, {90, 1, 1, 35, 64}};
  std::array<std::size_t, 2> at{};
  for (std::size_t turn = 0; at[0] < n || at[1] < n; ++turn) {
    std::array<std::size_t, 2> count;
    for (std::size_t s = 0; s < 2; ++s) {
      count[s] = std::min(kPieces[s][turn % 5], n - at[s]);
    }
    device.store(at, count);
    at[0] += count[0];
    at[1] += count[1];
  }
}

/// Floats that the host keeps for a token of a page.
void expect_floats(const codec::KvScheme& scheme,
                   const PagedShape& shape,
                   const HostSide& host,
                   DeviceSide& device,
                   std::size_t sequence) {
  const std::size_t n = shape.n_before + shape.n_new;
  const std::size_t room = float_tokens(scheme), line = shape.head_dim * 2;
  const auto views = host.pages().sequence(0, n).floats;
  for (std::size_t page = 0; page * codec::kKvPageTokens < n; ++page) {
    const auto got = device.floats(sequence, page);
    for (std::size_t token = 0; token < std::min(room, n - page * codec::kKvPageTokens); ++token) {
      if (scheme.residual == 0 && page * codec::kKvPageTokens + token >= scheme.n_sinks) {
        break;
      }
      for (std::size_t head = 0; head < shape.n_kv_heads; ++head) {
        const std::size_t at = (head * room + token) * line;
        const auto* const keys = static_cast<const std::uint8_t*>(views[page].keys) + at;
        const auto* const values = static_cast<const std::uint8_t*>(views[page].values) + at;
        ASSERT_TRUE(std::equal(keys, keys + line, got.begin() + static_cast<std::ptrdiff_t>(at)));
        ASSERT_TRUE(std::equal(
            values, values + line, got.begin() + static_cast<std::ptrdiff_t>(got.size() / 2 + at)));
      }
    }
  }
}

std::string name_of(const codec::KvScheme& scheme, const PagedShape& shape) {
  return std::string(scheme.name) + ", " + std::to_string(shape.n_kv_heads) + " heads of " +
         std::to_string(shape.head_dim) + ", " + std::to_string(shape.n_before) + " + " +
         std::to_string(shape.n_new);
}

TEST(DeviceKvPages, AreTheHostsBits) {
  NIBBLE_NEEDS_GPU(gpu);
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    for (const PagedShape& shape : kPagedShapes) {
      if (!scheme.is_coded()) {
        continue;
      }
      const Tokens first(shape, 5), second(shape, 6);
      const HostSide hosts[2] = {HostSide(scheme, shape, first), HostSide(scheme, shape, second)};
      const std::array<const Tokens*, 2> tokens = {&first, &second};
      DeviceSide device(gpu, scheme, shape, hosts[0], tokens);
      store_in_pieces(device, first.n);
      for (std::size_t s = 0; s < 2; ++s) {
        for (std::size_t page = 0; page < hosts[s].pages().pages().size(); ++page) {
          const auto got = device.page(s, page);
          const auto* const wanted =
              static_cast<const std::uint8_t*>(hosts[s].pages().pages()[page].keys);
          const auto apart = std::mismatch(got.begin(), got.end(), wanted).first;
          ASSERT_EQ(apart, got.end()) << name_of(scheme, shape) << ", sequence " << s << ", page "
                                      << page << ", byte " << apart - got.begin();
        }
        expect_floats(scheme, shape, hosts[s], device, s);
      }
    }
  }
}

TEST(DeviceKvPages, AttentionFollowsTheHostInTilesAndPartsOfAnySize) {
  NIBBLE_NEEDS_GPU(gpu);
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    for (const PagedShape& shape : kPagedShapes) {
      if (!scheme.is_coded()) {
        continue;
      }
      const Tokens first(shape, 5), second(shape, 6);
      const HostSide hosts[2] = {HostSide(scheme, shape, first), HostSide(scheme, shape, second)};
      const std::array<const Tokens*, 2> tokens = {&first, &second};
      DeviceSide device(gpu, scheme, shape, hosts[0], tokens);
      store_in_pieces(device, first.n);
      for (const bool is_wide : {false, true}) {
        for (const std::size_t pages_per_split : {1U, 4U, 1000U}) {
          const auto got = device.attend(is_wide, pages_per_split);
          const std::size_t n = hosts[0].out().size();
          for (std::size_t i = 0; i < got.size(); ++i) {
            ASSERT_NEAR(got[i], hosts[i / n].out()[i % n], 6e-3F)
                << name_of(scheme, shape) << ", wide " << is_wide << ", parts of "
                << pages_per_split << ", value " << i;
          }
        }
      }
    }
  }
}

/// A query alone and among others.
TEST(DeviceKvPages, NarrowTilesGiveTheSameBitsInAnyCompany) {
  NIBBLE_NEEDS_GPU(gpu);
  constexpr PagedShape kMany{8, 2, 128, 250, 9}, kFew{8, 2, 128, 250, 1};
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    if (!scheme.is_coded()) {
      continue;
    }
    const Tokens many(kMany, 5);
    Tokens few = many;
    few.n = kFew.n_before + kFew.n_new;
    const HostSide host(scheme, kMany, many);
    const std::array<const Tokens*, 2> all = {&many, &many}, one = {&few, &few};
    DeviceSide of_many(gpu, scheme, kMany, host, all), of_few(gpu, scheme, kFew, host, one);
    store_in_pieces(of_many, many.n);
    store_in_pieces(of_few, few.n);
    const auto wanted = of_many.attend(false, 4), got = of_few.attend(false, 4);
    const std::size_t width = many.q_width;
    for (std::size_t i = 0; i < width; ++i) {
      ASSERT_EQ(got[i], wanted[i]) << scheme.name << ", value " << i;
    }
  }
}

}  // namespace
}  // namespace nibble::ops
