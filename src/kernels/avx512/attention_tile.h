/// Attention over one tile of keys for AVX-512: what the kernels over floats and over codes share.
///
/// Everything is in an unnamed namespace: each file compiles its own copy.
///
/// Precision  float32
/// Source     our own; online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867
#pragma once

#include <math.h>

#include <cstdint>

#include "kernels/attention_rows.h"
#include "kernels/avx512/math.h"
#include "kernels/avx512/transpose.h"

namespace nibble::kernels::avx512 {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

constexpr std::size_t kKeyTile = 64;
constexpr int kVectors = 4;  ///< registers that hold a tile of keys, or 64 dimensions of a value
/// Rows whose scores and sums stay in registers together: 6 * 4 accumulators of 32.
constexpr int kRowBlock = 6;
using Half = std::uint16_t;

inline __m512 load(const float* values, __mmask16 mask) noexcept {
  return _mm512_maskz_loadu_ps(mask, values);
}
inline __m512 load(const Half* values, __mmask16 mask) noexcept {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, values));
}

/// Keys (transposed) and values of one tile, as floats.
struct Tile {
  alignas(64) float keys[kMaxHeadDim * kKeyTile];    ///< [dim][key]
  alignas(64) float values[kMaxHeadDim * kKeyTile];  ///< [key][dim]
  std::size_t first;                                 ///< position of key 0
  std::size_t n;
};

template <class Element>
void load_keys(const Element* keys, std::size_t head_dim, Tile& tile) noexcept {
  for (std::size_t d = 0; d < head_dim; d += 16) {
    const __mmask16 mask = first_lanes(head_dim - d);
    const std::size_t n_dims = head_dim - d < 16 ? head_dim - d : 16;
    for (std::size_t k = 0; k < kKeyTile; k += 16) {
      __m512 rows[16];
      for (std::size_t i = 0; i < 16; ++i) {
        rows[i] = k + i < tile.n ? load(keys + (k + i) * head_dim + d, mask) : _mm512_setzero_ps();
      }
      transpose(rows);
      for (std::size_t i = 0; i < n_dims; ++i) {
        _mm512_store_ps(tile.keys + (d + i) * kKeyTile + k, rows[i]);
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
  const std::size_t n = tile.n * head_dim;
  for (std::size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first_lanes(n - i);
    _mm512_mask_storeu_ps(tile.values + i, mask, load(values + i, mask));
  }
  return tile.values;
}

inline __m512 soft_limit(__m512 score, float cap) noexcept {
  if (cap == 0.0F) {
    return score;
  }
  const __m512 limit = _mm512_set1_ps(cap);
  return _mm512_mul_ps(limit, tanh_ps(_mm512_div_ps(score, limit)));
}

template <int R>
void score_rows(const AttentionTask& task,
                const AttentionRow* rows,
                const Tile& tile,
                __m512 (&scores)[R][kVectors]) noexcept {
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      scores[r][v] = _mm512_setzero_ps();
    }
  }
  for (std::size_t d = 0; d < task.head_dim; ++d) {
    __m512 keys[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      keys[v] = _mm512_load_ps(tile.keys + d * kKeyTile + static_cast<std::size_t>(v) * 16);
    }
    for (int r = 0; r < R; ++r) {
      const __m512 q = _mm512_set1_ps(rows[r].q[d]);
      for (int v = 0; v < kVectors; ++v) {
        scores[r][v] = _mm512_fmadd_ps(q, keys[v], scores[r][v]);
      }
    }
  }
}

/// Scores to weights; returns the factor that the row's earlier sum takes.
inline float weigh_row(const AttentionTask& task,
                       AttentionRow& row,
                       const Tile& tile,
                       const __m512 (&scores)[kVectors],
                       float* weights) noexcept {
  const std::uint64_t visible = visible_keys(task, row, tile.first, tile.n);
  const __m512 scale = _mm512_set1_ps(task.scale);
  __m512 limited[kVectors];
  __m512 tops = _mm512_set1_ps(row.top);
  for (int v = 0; v < kVectors; ++v) {
    const auto mask = static_cast<__mmask16>(visible >> (16 * v));
    limited[v] = soft_limit(_mm512_mul_ps(scores[v], scale), task.softcap);
    tops = _mm512_mask_max_ps(tops, mask, tops, limited[v]);
  }
  const float top = _mm512_reduce_max_ps(tops);
  const float fade = top == row.top ? 1.0F : row.total == 0.0F ? 0.0F : expf(row.top - top);
  __m512 sum = _mm512_setzero_ps();
  for (int v = 0; v < kVectors; ++v) {
    const auto mask = static_cast<__mmask16>(visible >> (16 * v));
    const __m512 weight =
        _mm512_maskz_mov_ps(mask, exp_negative_ps(_mm512_sub_ps(limited[v], _mm512_set1_ps(top))));
    _mm512_store_ps(weights + 16 * v, weight);
    sum = _mm512_add_ps(sum, weight);
  }
  row.total = row.total * fade + _mm512_reduce_add_ps(sum);
  row.top = top;
  return fade;
}

/// out = fade * out + weights * values over dimensions [d, d + 16 V).
template <int V, int R>
void add_dims(const AttentionTask& task,
              const AttentionRow* rows,
              const Tile& tile,
              const float* values,
              std::size_t d,
              const float (&fades)[R],
              const float (&weights)[R][kKeyTile]) noexcept {
  __mmask16 masks[V];
  __m512 sums[R][V];
  for (int v = 0; v < V; ++v) {
    const std::size_t at = d + static_cast<std::size_t>(v) * 16;
    masks[v] = at < task.head_dim ? first_lanes(task.head_dim - at) : static_cast<__mmask16>(0);
    for (int r = 0; r < R; ++r) {
      sums[r][v] = _mm512_mul_ps(_mm512_maskz_loadu_ps(masks[v], rows[r].out + at),
                                 _mm512_set1_ps(fades[r]));
    }
  }
  for (std::size_t k = 0; k < tile.n; ++k) {
    const float* value = values + k * task.head_dim + d;
    __m512 parts[V];
    for (int v = 0; v < V; ++v) {
      parts[v] = _mm512_maskz_loadu_ps(masks[v], value + v * 16);
    }
    for (int r = 0; r < R; ++r) {
      const __m512 weight = _mm512_set1_ps(weights[r][k]);
      for (int v = 0; v < V; ++v) {
        sums[r][v] = _mm512_fmadd_ps(weight, parts[v], sums[r][v]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      _mm512_mask_storeu_ps(rows[r].out + d + v * 16, masks[v], sums[r][v]);
    }
  }
}

/// The same over all dimensions: 64 at a time, 32 where no more are left.
template <int R>
void add_values(const AttentionTask& task,
                const AttentionRow* rows,
                const Tile& tile,
                const float* values,
                const float (&fades)[R],
                const float (&weights)[R][kKeyTile]) noexcept {
  for (std::size_t d = 0; d < task.head_dim; d += 64) {
    if (task.head_dim - d > 32) {
      add_dims<kVectors>(task, rows, tile, values, d, fades, weights);
    } else {
      add_dims<2>(task, rows, tile, values, d, fades, weights);
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
  __m512 scores[R][kVectors];
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
  alignas(64) float weights[R][kKeyTile];
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
  const __m512 inverse = _mm512_set1_ps(1.0F / row.total);
  for (std::size_t d = 0; d < task.head_dim; d += 16) {
    const __mmask16 mask = first_lanes(task.head_dim - d);
    _mm512_mask_storeu_ps(
        row.out + d, mask, _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, row.out + d), inverse));
  }
}

}  // namespace
}  // namespace nibble::kernels::avx512
