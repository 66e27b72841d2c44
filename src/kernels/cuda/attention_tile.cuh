/// Sixteen rows of queries against the keys and values of a page, as matrix units multiply them.
///
/// A row is one query head of one token. A lane's operands are 32 bytes in a row of one key and of
/// one value: the columns of keys and of queries are taken in one permuted order, and the output
/// comes in the order of the values.
///
/// Source     online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867; our own
#pragma once

#include "kernels/cuda/arrange.cuh"
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

inline constexpr int kPage = 64;
inline constexpr int kAttentionWarps = 4;
inline constexpr float kLog2e = 1.4426950408889634F;

/// What 16 rows have seen so far; a lane holds rows lane / 4 and lane / 4 + 8 of each.
template <int kBlocks>
struct State {
  float sums[kBlocks][8][4];  ///< [64 columns][place]: rows, two columns each
  float top[2];
  float weight[2];
};

/// A lane's rows: positions of their tokens and where their heads lie, or nothing.
struct LaneRows {
  int token[2];
  int head[2];
  int position[2];  ///< -1: no such row
};

__device__ __forceinline__ LaneRows rows_of_lane(const AttentionTask& task,
                                                 const QueryTile& tile,
                                                 int kv_head,
                                                 int first_row) {
  const int per_group = task.shape.n_heads / task.shape.n_kv_heads;
  LaneRows rows;
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    const int row = first_row + static_cast<int>(threadIdx.x) % kWarp / 4 + 8 * k;
    const int token = row / per_group;
    const bool is_there = token < tile.n_tokens;
    rows.token[k] = tile.first_token + (is_there ? token : 0);
    rows.head[k] = kv_head * per_group + row % per_group;
    rows.position[k] = is_there ? task.batch.positions[rows.token[k]] : -1;
  }
  return rows;
}

template <int kBlocks>
__device__ __forceinline__ void read_queries(const AttentionTask& task,
                                             const LaneRows& rows,
                                             std::uint32_t (&q)[kBlocks][4][4]) {
  const KvShape& shape = task.shape;
  const std::size_t stride =
      static_cast<std::size_t>(shape.n_heads + 2 * shape.n_kv_heads) * kBlocks * 64;
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      const auto* const from = reinterpret_cast<const uint4*>(
          static_cast<const __half*>(task.qkv) + rows.token[k] * stride +
          (rows.head[k] * kBlocks + block) * 64 + threadIdx.x % 4 * 16);
      const bool is_there = rows.position[k] >= 0;
      const uint4 x[2] = {is_there ? __ldcg(from) : uint4{}, is_there ? __ldcg(from + 1) : uint4{}};
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        q[block][2 * half][k] = x[half].x;
        q[block][2 * half][2 + k] = x[half].y;
        q[block][2 * half + 1][k] = x[half].z;
        q[block][2 * half + 1][2 + k] = x[half].w;
      }
    }
  }
}

/// Where one value of the output goes.
__device__ __forceinline__ __half* place_of_output(const AttentionTask& task, int token, int col) {
  const std::size_t n_cols =
      static_cast<std::size_t>(task.shape.n_heads) * static_cast<std::size_t>(task.shape.head_dim);
  return static_cast<__half*>(task.out) +
         (task.arranges ? arranged_at(token, col, arranged_tokens(task.batch.n_tokens) / 8)
                        : token * n_cols + col);
}

/// Keys and values of a page where they lie in memory.
template <int kBlocks>
struct GlobalPage {
  const __half* keys;
  const __half* values;

  __device__ uint4 key(int key_, int block, int quarter, int half) const {
    return __ldcg(reinterpret_cast<const uint4*>(keys + (key_ * kBlocks + block) * 64 +
                                                 quarter * 16 + half * 8));
  }
  /// Columns 8 * eighth + [0, 8).
  __device__ uint4 value(int key_, int block, int eighth) const {
    return __ldcg(
        reinterpret_cast<const uint4*>(values + (key_ * kBlocks + block) * 64 + eighth * 8));
  }
};

/// The same copied to shared memory, [keys, values][64 columns][key][8 chunks of 16 bytes]. Chunks
/// change places so that the lanes of a quarter warp read all banks.
template <int kBlocks>
struct SharedPage {
  static constexpr int kBytes = 2 * kBlocks * kPage * 128;
  char* bytes;

  __device__ uint4* place(int part, int block, int key_, int chunk) const {
    return reinterpret_cast<uint4*>(bytes + ((part * kBlocks + block) * kPage + key_) * 128 +
                                    chunk * 16);
  }
  __device__ static int key_chunk(int key_, int chunk) { return chunk ^ (key_ & 1); }
  __device__ static int value_chunk(int key_, int chunk) { return chunk ^ (key_ >> 1 & 3) << 1; }

  __device__ uint4 key(int key_, int block, int quarter, int half) const {
    return *place(0, block, key_, key_chunk(key_, quarter * 2 + half));
  }
  __device__ uint4 value(int key_, int block, int eighth) const {
    return *place(1, block, key_, value_chunk(key_, eighth));
  }
  /// The first `n_keys`, all threads of a block together.
  __device__ void copy(const GlobalPage<kBlocks>& from, int n_keys) const {
    for (int i = static_cast<int>(threadIdx.x); i < kBlocks * n_keys * 8;
         i += kAttentionWarps * kWarp) {
      const int chunk = i % 8, block = i / 8 % kBlocks, key_ = i / 8 / kBlocks;
      copy_16(place(0, block, key_, key_chunk(key_, chunk)), from.keys + i * 8);
      copy_16(place(1, block, key_, value_chunk(key_, chunk)), from.values + i * 8);
    }
  }
};

/// scores[n] = q k for keys 8 n + [0, 8).
template <int kBlocks, int kEights, class Page>
__device__ __forceinline__ void multiply_keys(const Page& page,
                                              const std::uint32_t (&q)[kBlocks][4][4],
                                              float (&scores)[kEights][4]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int n = 0; n < kEights; ++n) {
    scores[n][0] = scores[n][1] = scores[n][2] = scores[n][3] = 0.0F;
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      const uint4 low = page.key(n * 8 + lane / 4, block, lane % 4, 0);
      const uint4 high = page.key(n * 8 + lane / 4, block, lane % 4, 1);
      multiply(scores[n], q[block][0], low.x, low.y);
      multiply(scores[n], q[block][1], low.z, low.w);
      multiply(scores[n], q[block][2], high.x, high.y);
      multiply(scores[n], q[block][3], high.z, high.w);
    }
  }
}

/// Scores become weights exp2(scale * score - top) where `seen(k, key)` says that row k of the lane
/// sees the key; what was summed before is brought to the new top.
template <int kBlocks, int kEights, class Seen>
__device__ __forceinline__ void soften_where(float scale,
                                             int first_key,
                                             const Seen& seen,
                                             float (&scores)[kEights][4],
                                             State<kBlocks>& state) {
  float top[2] = {state.top[0], state.top[1]};
#pragma unroll
  for (int n = 0; n < kEights; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int key = first_key + n * 8 + static_cast<int>(threadIdx.x) % 4 * 2 + i % 2;
      scores[n][i] = seen(i / 2, key) ? scores[n][i] * scale : -INFINITY;
      top[i / 2] = fmaxf(top[i / 2], scores[n][i]);
    }
  }
  float factor[2], base[2], added[2] = {0.0F, 0.0F};
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    top[k] = fmaxf(top[k], __shfl_xor_sync(0xFFFFFFFFU, top[k], 1));
    top[k] = fmaxf(top[k], __shfl_xor_sync(0xFFFFFFFFU, top[k], 2));
    base[k] = top[k] == -INFINITY ? 0.0F : top[k];  // nothing seen yet: every weight is zero
    factor[k] = exp2f(state.top[k] - base[k]);
    state.top[k] = top[k];
  }
#pragma unroll
  for (int n = 0; n < kEights; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      scores[n][i] = exp2f(scores[n][i] - base[i / 2]);
      added[i / 2] += scores[n][i];
    }
  }
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    state.weight[k] = state.weight[k] * factor[k] + added[k];
  }
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int t = 0; t < 8; ++t) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        state.sums[block][t][i] *= factor[i / 2];
      }
    }
  }
}

/// The same for all keys that a row's position and the window let it see.
template <int kBlocks, int kEights>
__device__ __forceinline__ void soften(const AttentionTask& task,
                                       const LaneRows& rows,
                                       int first_key,
                                       float (&scores)[kEights][4],
                                       State<kBlocks>& state) {
  const auto seen = [&](int k, int key) {
    const int position = rows.position[k];
    return key <= position && (task.window == 0 || position - key < task.window);
  };
  soften_where(task.scale * kLog2e, first_key, seen, scores, state);
}

__device__ __forceinline__ std::uint32_t word_at(const uint4& x, int i) {
  return i == 0 ? x.x : i == 1 ? x.y : i == 2 ? x.z : x.w;
}

/// sums += weights * values, keys 16 at a time. Values of keys behind the end are zero, whatever
/// lies there.
template <int kBlocks, int kEights, class Page>
__device__ __forceinline__ void add_values(const Page& page,
                                           int n_keys,
                                           const float (&weights)[kEights][4],
                                           State<kBlocks>& state) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int step = 0; step < kEights / 2; ++step) {
    const std::uint32_t p[4] = {pack_halves(weights[2 * step][0], weights[2 * step][1]),
                                pack_halves(weights[2 * step][2], weights[2 * step][3]),
                                pack_halves(weights[2 * step + 1][0], weights[2 * step + 1][1]),
                                pack_halves(weights[2 * step + 1][2], weights[2 * step + 1][3])};
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      uint4 v[4];
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        const int key = step * 16 + lane % 4 * 2 + k / 2 * 8 + k % 2;
        v[k] = key < n_keys ? page.value(key, block, lane / 4) : uint4{0, 0, 0, 0};
      }
#pragma unroll
      for (int t = 0; t < 8; ++t) {
        const unsigned select = t % 2 == 0 ? 0x5410 : 0x7632;
        multiply(state.sums[block][t],
                 p,
                 __byte_perm(word_at(v[0], t / 2), word_at(v[1], t / 2), select),
                 __byte_perm(word_at(v[2], t / 2), word_at(v[3], t / 2), select));
      }
    }
  }
}

}  // namespace nibble::kernels::cuda
