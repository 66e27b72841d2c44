/// Attention over one tile of keys for NEON: what the kernels over floats and over codes share.
///
/// Everything is in an unnamed namespace: each file compiles its own copy.
///
/// Precision  float32
/// Source     our own; online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867
#pragma once

#include <math.h>

#include <cstdint>

#include "kernels/attention_rows.h"
#include "kernels/neon/math.h"

namespace nibble::kernels::neon {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

constexpr std::size_t kKeyTile = 32;
/// Registers that hold a tile of keys, or 32 dimensions of a value.
constexpr std::size_t kVectors = kKeyTile / kLanes;
/// Rows whose scores and sums stay in registers together: 2 * 8 accumulators of 32.
constexpr int kRowBlock = 2;

using Half = std::uint16_t;

/// Keys (transposed) and values of one tile, as floats.
struct Tile {
  float keys[kMaxHeadDim * kKeyTile];    ///< [dim][key]
  float values[kMaxHeadDim * kKeyTile];  ///< [key][dim]
  std::size_t first;                     ///< position of key 0
  std::size_t n;
};

/// Transposes 4 rows of 4 floats in place.
inline void transpose(float32x4_t (&rows)[kLanes]) noexcept {
  const float32x4_t a = vtrn1q_f32(rows[0], rows[1]);
  const float32x4_t b = vtrn2q_f32(rows[0], rows[1]);
  const float32x4_t c = vtrn1q_f32(rows[2], rows[3]);
  const float32x4_t d = vtrn2q_f32(rows[2], rows[3]);
  rows[0] = vcombine_f32(vget_low_f32(a), vget_low_f32(c));
  rows[1] = vcombine_f32(vget_low_f32(b), vget_low_f32(d));
  rows[2] = vcombine_f32(vget_high_f32(a), vget_high_f32(c));
  rows[3] = vcombine_f32(vget_high_f32(b), vget_high_f32(d));
}

template <class Element>
void load_keys(const Element* keys, std::size_t head_dim, Tile& tile) noexcept {
  for (std::size_t d = 0; d < head_dim; d += kLanes) {
    const std::size_t n_dims = head_dim - d < kLanes ? head_dim - d : kLanes;
    for (std::size_t k = 0; k < kKeyTile; k += kLanes) {
      float32x4_t rows[kLanes];
      for (std::size_t i = 0; i < kLanes; ++i) {
        rows[i] = k + i < tile.n ? load(keys + (k + i) * head_dim + d, n_dims) : vdupq_n_f32(0.0F);
      }
      transpose(rows);
      for (std::size_t i = 0; i < n_dims; ++i) {
        vst1q_f32(tile.keys + (d + i) * kKeyTile + k, rows[i]);
      }
    }
  }
}

/// Values as floats: where they lie, or converted into the tile.
inline const float* load_values(const float* values,
                                std::size_t /*head_dim*/,
                                Tile& /*tile*/) noexcept {
  return values;
}
inline const float* load_values(const Half* values, std::size_t head_dim, Tile& tile) noexcept {
  for_lanes(tile.n * head_dim, [&](std::size_t i, std::size_t count) {
    store(tile.values + i, load(values + i, count), count);
  });
  return tile.values;
}

/// All bits of the lanes whose bit of `bits` is set.
inline uint32x4_t lanes_of(std::uint64_t bits) noexcept {
  const std::uint32_t each[kLanes] = {1, 2, 4, 8};
  return vtstq_u32(vdupq_n_u32(static_cast<std::uint32_t>(bits & 0xFU)), vld1q_u32(each));
}

inline float32x4_t soft_limit(float32x4_t score, float cap) noexcept {
  if (cap == 0.0F) {
    return score;
  }
  return vmulq_n_f32(tanh_ps(vdivq_f32(score, vdupq_n_f32(cap))), cap);
}

template <int R>
void score_rows(const AttentionTask& task,
                const AttentionRow* rows,
                const Tile& tile,
                float32x4_t (&scores)[R][kVectors]) noexcept {
  for (int r = 0; r < R; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      scores[r][v] = vdupq_n_f32(0.0F);
    }
  }
  for (std::size_t d = 0; d < task.head_dim; ++d) {
    const float* keys = tile.keys + d * kKeyTile;
    for (int r = 0; r < R; ++r) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        scores[r][v] = vfmaq_n_f32(scores[r][v], vld1q_f32(keys + v * kLanes), rows[r].q[d]);
      }
    }
  }
}

/// Scores to weights; returns the factor that the row's earlier sum takes.
inline float weigh_row(const AttentionTask& task,
                       AttentionRow& row,
                       const Tile& tile,
                       const float32x4_t (&scores)[kVectors],
                       float* weights) noexcept {
  const std::uint64_t visible = visible_keys(task, row, tile.first, tile.n);
  const float32x4_t before = vdupq_n_f32(row.top);
  float32x4_t limited[kVectors];
  float32x4_t tops = before;
  for (std::size_t v = 0; v < kVectors; ++v) {
    limited[v] = soft_limit(vmulq_n_f32(scores[v], task.scale), task.softcap);
    tops = vmaxq_f32(tops, vbslq_f32(lanes_of(visible >> (kLanes * v)), limited[v], before));
  }
  const float top = vmaxvq_f32(tops);
  const float fade = top == row.top ? 1.0F : expf(row.top - top);
  float32x4_t sum = vdupq_n_f32(0.0F);
  for (std::size_t v = 0; v < kVectors; ++v) {
    const float32x4_t weight =
        keep(exp_ps(vsubq_f32(limited[v], vdupq_n_f32(top))), lanes_of(visible >> (kLanes * v)));
    vst1q_f32(weights + kLanes * v, weight);
    sum = vaddq_f32(sum, weight);
  }
  row.total = row.total * fade + vaddvq_f32(sum);
  row.top = top;
  return fade;
}

/// out = fade * out + weights * values, for up to 32 dimensions from d on.
template <int R>
void add_values(const AttentionTask& task,
                const AttentionRow* rows,
                const Tile& tile,
                const float* values,
                const float (&fades)[R],
                const float (&weights)[R][kKeyTile]) noexcept {
  for (std::size_t d = 0; d < task.head_dim; d += kLanes * kVectors) {
    std::size_t counts[kVectors];
    float32x4_t sums[R][kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      const std::size_t at = d + v * kLanes;
      counts[v] = at < task.head_dim ? task.head_dim - at : 0;
      for (int r = 0; r < R; ++r) {
        sums[r][v] = vmulq_n_f32(load(rows[r].out + at, counts[v]), fades[r]);
      }
    }
    for (std::size_t k = 0; k < tile.n; ++k) {
      const float* value = values + k * task.head_dim + d;
      for (std::size_t v = 0; v < kVectors; ++v) {
        const float32x4_t part = load(value + v * kLanes, counts[v]);
        for (int r = 0; r < R; ++r) {
          sums[r][v] = vfmaq_n_f32(sums[r][v], part, weights[r][k]);
        }
      }
    }
    for (int r = 0; r < R; ++r) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        store(rows[r].out + d + v * kLanes, sums[r][v], counts[v]);
      }
    }
  }
}

/// The weights that a few rows give the tile's keys, and the factors that their earlier sums take.
template <int R>
void weigh_rows(const AttentionTask& task,
                AttentionRow* rows,
                const Tile& tile,
                float (&fades)[R],
                float (&weights)[R][kKeyTile]) noexcept {
  float32x4_t scores[R][kVectors];
  score_rows<R>(task, rows, tile, scores);
  for (int r = 0; r < R; ++r) {
    fades[r] = weigh_row(task, rows[r], tile, scores[r], weights[r]);
  }
}

template <int R>
void attend_rows(const AttentionTask& task,
                 AttentionRow* rows,
                 const Tile& tile,
                 const float* values) noexcept {
  if (rows[R - 1].position < tile.first) {
    return;  // positions ascend: no row of these sees the tile
  }
  float weights[R][kKeyTile];
  float fades[R];
  weigh_rows<R>(task, rows, tile, fades, weights);
  add_values<R>(task, rows, tile, values, fades, weights);
}

inline void attend_tile(const AttentionTask& task,
                        AttentionRow* rows,
                        std::size_t n,
                        const Tile& tile,
                        const float* values) noexcept {
  for_row_blocks<kRowBlock>(
      n, [&]<int R>(std::size_t r) { attend_rows<R>(task, rows + r, tile, values); });
}

inline void divide_by_total(const AttentionTask& task, const AttentionRow& row) noexcept {
  const float inverse = 1.0F / row.total;
  for_lanes(task.head_dim, [&](std::size_t d, std::size_t count) {
    store(row.out + d, vmulq_n_f32(load(row.out + d, count), inverse), count);
  });
}

}  // namespace
}  // namespace nibble::kernels::neon
