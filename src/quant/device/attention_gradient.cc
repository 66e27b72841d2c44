#include "quant/device/attention_gradient.h"

#include <algorithm>

#include "model/layers/attention_block.h"
#include "quant/device/products.h"

namespace nibble::quant {
namespace {

using HalfBits = std::uint16_t;

/// Enough queries that products are large, few enough that little above the diagonal is made.
constexpr std::size_t kMostQueries = 512;
constexpr std::size_t kFewestQueries = 64;
/// Of all heads of the windows and queries that are in memory at once.
constexpr std::size_t kMostScores = std::size_t{1} << 26U;

/// The products of some queries of all units with the keys that they see.
struct TileProducts {
  ops::Device& device;
  int n_units;
  int rows, keys, dim;  ///< queries of all heads of a group; keys; columns of a head
  int stride;           ///< of what has a column for each key
  std::int64_t q_next, k_next, s_next;

  /// c = factor a b^T, with a column for each key
  void scores_of(const HalfBits* a, const HalfBits* b, void* c, float factor, bool floats) const {
    multiply_halves(device,
                    {.a = a,
                     .b = b,
                     .c = c,
                     .a_stride = dim,
                     .b_stride = dim,
                     .c_stride = stride,
                     .b_transposed = true,
                     .rows = rows,
                     .k = dim,
                     .cols = keys,
                     .factor = factor,
                     .float_out = floats,
                     .n = n_units,
                     .a_next = q_next,
                     .b_next = k_next,
                     .c_next = s_next});
  }
  /// c += factor s^T b for s with a column for each key
  void add_to_keys(const HalfBits* s, const HalfBits* b, float* c, float factor) const {
    multiply_halves(device,
                    {.a = s,
                     .b = b,
                     .c = c,
                     .a_stride = stride,
                     .b_stride = dim,
                     .c_stride = dim,
                     .a_transposed = true,
                     .rows = keys,
                     .k = rows,
                     .cols = dim,
                     .factor = factor,
                     .float_out = true,
                     .adds = true,
                     .n = n_units,
                     .a_next = s_next,
                     .b_next = q_next,
                     .c_next = k_next});
  }
  /// c = factor s b
  void to_queries(const HalfBits* s, const HalfBits* b, float* c, float factor) const {
    multiply_halves(device,
                    {.a = s,
                     .b = b,
                     .c = c,
                     .a_stride = stride,
                     .b_stride = dim,
                     .c_stride = dim,
                     .rows = rows,
                     .k = keys,
                     .cols = dim,
                     .factor = factor,
                     .float_out = true,
                     .n = n_units,
                     .a_next = s_next,
                     .b_next = k_next,
                     .c_next = q_next});
  }
};

}  // namespace

struct DeviceAttentionGradient::Scratch {
  HalfBits *q, *d, *k, *v;  ///< by unit
  float *dq, *dk, *dv;
  std::size_t key_bytes;  ///< of dk, and of dv
  float* scores;
  HalfBits *ds, *p;
};

DeviceAttentionGradient::DeviceAttentionGradient(ops::Device& device,
                                                 const model::ModelConfig& config,
                                                 std::size_t window,
                                                 std::size_t most_windows)
    : device_(device),
      config_(config),
      window_(window),
      sliding_(model::attention_shape(config, 0).window),
      tiles_(make_tiles(config, window, most_windows)) {}

DeviceAttentionGradient::Tiles DeviceAttentionGradient::make_tiles(const model::ModelConfig& config,
                                                                   std::size_t window,
                                                                   std::size_t most_windows) {
  Tiles out{(window + 7) / 8 * 8, std::min(window, kMostQueries), 1};
  const std::size_t a_query = config.n_heads * out.stride;
  while (out.n_queries > kFewestQueries && out.n_queries * a_query > kMostScores) {
    out.n_queries /= 2;
  }
  out.n_windows = std::clamp<std::size_t>(kMostScores / (out.n_queries * a_query), 1, most_windows);
  return out;
}

DeviceAttentionGradient::Scratch DeviceAttentionGradient::lay_out(const model::ModelConfig& config,
                                                                  std::size_t window,
                                                                  const Tiles& tiles,
                                                                  Arena& arena) {
  const std::size_t n_tokens = tiles.n_windows * window;
  const std::size_t q = n_tokens * config.n_heads * config.head_dim;
  const std::size_t kv = n_tokens * config.n_kv_heads * config.head_dim;
  const std::size_t n_scores = tiles.n_windows * tiles.n_queries * config.n_heads * tiles.stride;
  Scratch out{};
  out.q = arena.take<HalfBits>(q);
  out.d = arena.take<HalfBits>(q);
  out.k = arena.take<HalfBits>(kv);
  out.v = arena.take<HalfBits>(kv);
  out.dq = arena.take<float>(q);
  out.dk = arena.take<float>(kv);
  out.dv = arena.take<float>(kv);
  out.key_bytes = kv * sizeof(float);
  out.scores = arena.take<float>(n_scores);
  out.ds = arena.take<HalfBits>(n_scores);
  out.p = arena.take<HalfBits>(n_scores);
  return out;
}

std::size_t DeviceAttentionGradient::scratch_bytes(const model::ModelConfig& config,
                                                   std::size_t window,
                                                   std::size_t most_windows) {
  Arena counted;
  static_cast<void>(lay_out(config, window, make_tiles(config, window, most_windows), counted));
  return counted.used();
}

void DeviceAttentionGradient::run_queries(const Scratch& s,
                                          std::size_t n_units,
                                          std::size_t first) const {
  const std::size_t n = std::min(tiles_.n_queries, window_ - first);
  const std::size_t group = config_.n_heads / config_.n_kv_heads;
  const std::size_t dim = config_.head_dim;
  const TileProducts products{device_,
                              static_cast<int>(n_units),
                              static_cast<int>(n * group),
                              static_cast<int>(first + n),
                              static_cast<int>(dim),
                              static_cast<int>(tiles_.stride),
                              static_cast<std::int64_t>(window_ * group * dim),
                              static_cast<std::int64_t>(window_ * dim),
                              static_cast<std::int64_t>(n * group * tiles_.stride)};
  const std::size_t at = first * group * dim;
  const float scale = config_.attention_scale;
  products.scores_of(s.q + at, s.k, s.scores, scale, true);
  products.scores_of(s.d + at, s.v, s.ds, 1.0F, false);
  autoround_kernels().softmax_backward({.scores = s.scores,
                                        .d = s.ds,
                                        .p = s.p,
                                        .n_units = products.n_units,
                                        .group = static_cast<int>(group),
                                        .first = static_cast<int>(first),
                                        .n_queries = static_cast<int>(n),
                                        .n_keys = products.keys,
                                        .stride = products.stride,
                                        .window = static_cast<int>(sliding_)},
                                       device_.stream());
  products.add_to_keys(s.p, s.d + at, s.dv, 1.0F);
  products.add_to_keys(s.ds, s.q + at, s.dk, scale);
  products.to_queries(s.ds, s.k, s.dq + at, scale);
}

void DeviceAttentionGradient::run_windows(const DeviceBlock& block,
                                          const kernels::cuda::SplitTask& split,
                                          const AttentionOnDevice& task,
                                          const Scratch& s) const {
  autoround_kernels().split_heads(split, device_.stream());
  device_.clear(s.dk, s.key_bytes);
  device_.clear(s.dv, s.key_bytes);
  const std::size_t n_units = static_cast<std::size_t>(split.n_windows) * config_.n_kv_heads;
  for (std::size_t first = 0; first < window_; first += tiles_.n_queries) {
    run_queries(s, n_units, first);
  }
  autoround_kernels().join_heads(
      {.shape = split.shape,
       .window = split.window,
       .first_window = split.first_window,
       .n_windows = split.n_windows,
       .d_q = s.dq,
       .d_k = s.dk,
       .d_v = s.dv,
       .d_qkv = task.d_qkv,
       .inverse_frequency = block.weights().inverse_frequency.as<const float>(),
       .q_norm = block.weights().q_norm.as<const float>(),
       .k_norm = block.weights().k_norm.as<const float>(),
       .raw = task.raw,
       .bias = block.weights().qkv_bias.as<const float>(),
       .epsilon = config_.norm_epsilon},
      device_.stream());
}

void DeviceAttentionGradient::run(const DeviceBlock& block,
                                  const WindowAttention& attention,
                                  const AttentionOnDevice& task,
                                  std::size_t n_windows,
                                  Arena arena) const {
  const Scratch s = lay_out(config_, window_, tiles_, arena);
  for (std::size_t first = 0; first < n_windows; first += tiles_.n_windows) {
    run_windows(block,
                {.batch = attention.batch(),
                 .shape = attention.shape(),
                 .window = static_cast<int>(window_),
                 .first_window = static_cast<int>(first),
                 .n_windows = static_cast<int>(std::min(tiles_.n_windows, n_windows - first)),
                 .qkv = task.qkv,
                 .d_attended = task.d_attended,
                 .q = s.q,
                 .d = s.d,
                 .k = s.k,
                 .v = s.v},
                task,
                s);
  }
}

}  // namespace nibble::quant
