/// Attention over one tile of keys for AVX2: what the kernels over floats and over codes share.
///
/// Everything is in an unnamed namespace: each file compiles its own copy.
///
/// Precision  float32
/// Source     our own; online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867
#pragma once

#include <math.h>

#include <cstdint>

#include "kernels/attention_rows.h"
#include "kernels/avx2/math.h"

namespace nibble::kernels::avx2 {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

constexpr std::size_t kKeyTile = 32;
constexpr std::size_t kVectors =
    4;  ///< registers that hold a tile of keys, or 32 dimensions of a value
/// Rows whose scores and sums stay in registers together: 3 * 4 accumulators of 16.
constexpr int kRowBlock = 3;

using Half = std::uint16_t;

/// Keys (transposed) and values of one tile, as floats.
struct Tile {
  alignas(32) float keys[kMaxHeadDim * kKeyTile];    ///< [dim][key]
  alignas(32) float values[kMaxHeadDim * kKeyTile];  ///< [key][dim]
  std::size_t first;                                 ///< position of key 0
  std::size_t n;
};

/// Transposes 8 rows of 8 floats in place.
inline void transpose(__m256 (&rows)[8]) noexcept {
  __m256 t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
  __m256 u[8];
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
    u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
  }
}

template <class Element>
void load_keys(const Element* keys, std::size_t head_dim, Tile& tile) noexcept {
  for (std::size_t d = 0; d < head_dim; d += 8) {
    const std::size_t n_dims = head_dim - d < 8 ? head_dim - d : 8;
    for (std::size_t k = 0; k < kKeyTile; k += 8) {
      __m256 rows[8];
      for (std::size_t i = 0; i < 8; ++i) {
        rows[i] =
            k + i < tile.n ? load(keys + (k + i) * head_dim + d, n_dims) : _mm256_setzero_ps();
      }
      transpose(rows);
      for (std::size_t i = 0; i < n_dims; ++i) {
        _mm256_store_ps(tile.keys + (d + i) * kKeyTile + k, rows[i]);
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
inline __m256 lanes_of(std::uint64_t bits) noexcept {
  const __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i set = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits & 0xFFU)), each);
  return _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, each));
}

inline __m256 soft_limit(__m256 score, float cap) noexcept {
  if (cap == 0.0F) {
    return score;
  }
  const __m256 limit = _mm256_set1_ps(cap);
  return _mm256_mul_ps(limit, tanh_ps(_mm256_div_ps(score, limit)));
}

template <int R>
void score_rows(const AttentionTask& task,
                const AttentionRow* rows,
                const Tile& tile,
                __m256 (&scores)[R][kVectors]) noexcept {
  for (int r = 0; r < R; ++r) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      scores[r][v] = _mm256_setzero_ps();
    }
  }
  for (std::size_t d = 0; d < task.head_dim; ++d) {
    const float* keys = tile.keys + d * kKeyTile;
    for (int r = 0; r < R; ++r) {
      const __m256 q = _mm256_broadcast_ss(rows[r].q + d);
      for (std::size_t v = 0; v < kVectors; ++v) {
        scores[r][v] = _mm256_fmadd_ps(q, _mm256_load_ps(keys + v * 8), scores[r][v]);
      }
    }
  }
}

/// Scores to weights; returns the factor that the row's earlier sum takes.
inline float weigh_row(const AttentionTask& task,
                       AttentionRow& row,
                       const Tile& tile,
                       const __m256 (&scores)[kVectors],
                       float* weights) noexcept {
  const std::uint64_t visible = visible_keys(task, row, tile.first, tile.n);
  const __m256 scale = _mm256_set1_ps(task.scale);
  const __m256 before = _mm256_set1_ps(row.top);
  __m256 limited[kVectors];
  __m256 tops = before;
  for (std::size_t v = 0; v < kVectors; ++v) {
    limited[v] = soft_limit(_mm256_mul_ps(scores[v], scale), task.softcap);
    tops = _mm256_max_ps(tops, _mm256_blendv_ps(before, limited[v], lanes_of(visible >> (8 * v))));
  }
  const float top = largest_lane(tops);
  const float fade = top == row.top ? 1.0F : expf(row.top - top);
  __m256 sum = _mm256_setzero_ps();
  for (std::size_t v = 0; v < kVectors; ++v) {
    const __m256 weight = _mm256_and_ps(exp_ps(_mm256_sub_ps(limited[v], _mm256_set1_ps(top))),
                                        lanes_of(visible >> (8 * v)));
    _mm256_store_ps(weights + 8 * v, weight);
    sum = _mm256_add_ps(sum, weight);
  }
  row.total = row.total * fade + sum_lanes(sum);
  row.top = top;
  return fade;
}

/// out = fade * out + weights * values, for `width` <= 32 dimensions from d on.
template <int R>
void add_values(const AttentionTask& task,
                const AttentionRow* rows,
                const Tile& tile,
                const float* values,
                const float (&fades)[R],
                const float (&weights)[R][kKeyTile]) noexcept {
  for (std::size_t d = 0; d < task.head_dim; d += 8 * kVectors) {
    std::size_t counts[kVectors];
    __m256 sums[R][kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      const std::size_t at = d + v * 8;
      counts[v] = at < task.head_dim ? task.head_dim - at : 0;
      for (int r = 0; r < R; ++r) {
        sums[r][v] = _mm256_mul_ps(load(rows[r].out + at, counts[v]), _mm256_set1_ps(fades[r]));
      }
    }
    for (std::size_t k = 0; k < tile.n; ++k) {
      const float* value = values + k * task.head_dim + d;
      for (std::size_t v = 0; v < kVectors; ++v) {
        const __m256 part = load(value + v * 8, counts[v]);
        for (int r = 0; r < R; ++r) {
          sums[r][v] = _mm256_fmadd_ps(_mm256_broadcast_ss(&weights[r][k]), part, sums[r][v]);
        }
      }
    }
    for (int r = 0; r < R; ++r) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        store(rows[r].out + d + v * 8, sums[r][v], counts[v]);
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
  __m256 scores[R][kVectors];
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
  alignas(32) float weights[R][kKeyTile];
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
  const __m256 inverse = _mm256_set1_ps(1.0F / row.total);
  for_lanes(task.head_dim, [&](std::size_t d, std::size_t count) {
    store(row.out + d, _mm256_mul_ps(load(row.out + d, count), inverse), count);
  });
}

}  // namespace
}  // namespace nibble::kernels::avx2
