/// What follows the sums over keys: the warps of a block together, then outputs or parts of them,
/// then the parts of all blocks.
///
/// Source     keys in parts and their combination: Dao et al. 2023, Flash-Decoding; our own
#pragma once

#include "kernels/cuda/attention_tile.cuh"

namespace nibble::kernels::cuda {

/// Pages that a tile of queries sees.
struct PageRange {
  int first, end;
};
__device__ __forceinline__ PageRange seen_pages(const AttentionTask& task,
                                                int first_position,
                                                int last_position) {
  const int first_key = task.window == 0 ? 0 : max(0, first_position - task.window + 1);
  return {first_key / kPage, last_position / kPage + 1};
}

/// Where a lane's sums of row k stand among 64 kBlocks columns: 16 in a row of each block.
template <int kBlocks, class Write>
__device__ __forceinline__ void for_outputs(const State<kBlocks>& state, int k, Write write) {
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int t = 0; t < 8; ++t) {
        write(block * 64 + static_cast<int>(threadIdx.x) % 4 * 16 + i * 8 + t,
              state.sums[block][t][2 * k + i]);
      }
    }
  }
}

/// Adds `other`, whose top and weight are given, to one value under a top of its own.
struct Merged {
  float top, weight;
};
__device__ __forceinline__ Merged
merge(Merged a, float top, float weight, float& own_factor, float& other_factor) {
  const float new_top = fmaxf(a.top, top);
  const float base = new_top == -INFINITY ? 0.0F : new_top;
  own_factor = exp2f(a.top - base);
  other_factor = exp2f(top - base);
  return {new_top, a.weight * own_factor + weight * other_factor};
}

/// Shared memory of merge_warps.
template <int kBlocks>
constexpr std::size_t merge_bytes() {
  return static_cast<std::size_t>(kAttentionWarps - 1) * (kBlocks * 32 + 4) * kWarp * sizeof(float);
}

/// Makes the sums of the four warps, which saw different keys, those of warp 0, in order.
template <int kBlocks>
__device__ void merge_warps(State<kBlocks>& state, float* shared) {
  constexpr int kFloats = kBlocks * 8 * 4 + 4;
  const int warp = static_cast<int>(threadIdx.x) / kWarp,
            lane = static_cast<int>(threadIdx.x) % kWarp;
  float* const own = shared + ((warp - 1) * kFloats) * kWarp + lane;  // none of warp 0
  const float* const flat = &state.sums[0][0][0];
  if (warp > 0) {
#pragma unroll
    for (int i = 0; i < kBlocks * 32; ++i) {
      own[i * kWarp] = flat[i];
    }
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      own[(kBlocks * 32 + k) * kWarp] = state.top[k];
      own[(kBlocks * 32 + 2 + k) * kWarp] = state.weight[k];
    }
  }
  __syncthreads();
  for (int other = 1; warp == 0 && other < kAttentionWarps; ++other) {
    const float* const from = shared + ((other - 1) * kFloats) * kWarp + lane;
    float own_factor[2], other_factor[2];
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      const Merged both = merge({state.top[k], state.weight[k]},
                                from[(kBlocks * 32 + k) * kWarp],
                                from[(kBlocks * 32 + 2 + k) * kWarp],
                                own_factor[k],
                                other_factor[k]);
      state.top[k] = both.top;
      state.weight[k] = both.weight;
    }
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
      for (int t = 0; t < 8; ++t) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          float& sum = state.sums[block][t][i];
          sum = sum * own_factor[i / 2] +
                from[((block * 8 + t) * 4 + i) * kWarp] * other_factor[i / 2];
        }
      }
    }
  }
}

/// Writes what a lane's rows came to: outputs, or sums, tops and weights of a part of the keys.
template <int kBlocks>
__device__ __forceinline__ void write_state(const AttentionTask& task,
                                            const LaneRows& rows,
                                            int first_row,
                                            const State<kBlocks>& state) {
  constexpr int kDim = kBlocks * 64;
  const int n_rows = task.is_wide ? kWideRows : kNarrowRows;
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    if (task.n_splits > 1) {
      const std::size_t place =
          (static_cast<std::size_t>(blockIdx.x) * gridDim.y + blockIdx.y) * gridDim.z + blockIdx.z;
      const int row = first_row + static_cast<int>(threadIdx.x) % kWarp / 4 + 8 * k;
      float* const to = task.partial + (place * n_rows + row) * (kDim + 2);
      for_outputs(state, k, [to](int column, float sum) { to[column] = sum; });
      if (threadIdx.x % 4 == 0) {
        to[kDim] = state.top[k];
        to[kDim + 1] = state.weight[k];
      }
    } else if (rows.position[k] >= 0) {
      const int token = rows.token[k], head = rows.head[k];
      const float weight = state.weight[k];  // divided as combine_kernel does: the same bits
      for_outputs(state, k, [&](int column, float sum) {
        *place_of_output(task, token, head * kDim + column) = limited_half(sum / weight);
      });
    }
  }
}

/// The parts of the keys together, in order. Grid: tiles, key/value heads; a warp takes a row.
template <int kDim>
static __global__ void __launch_bounds__(kAttentionWarps* kWarp)
    combine_kernel(const AttentionTask task) {
  follow_earlier_kernels();
  const QueryTile tile = task.tiles[blockIdx.x];
  const int per_group = task.shape.n_heads / task.shape.n_kv_heads;
  const int n_rows = task.is_wide ? kWideRows : kNarrowRows;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::size_t place =
      (static_cast<std::size_t>(blockIdx.x) * gridDim.y + blockIdx.y) * task.n_splits;
  for (int row = static_cast<int>(threadIdx.x) / kWarp; row < tile.n_tokens * per_group;
       row += kAttentionWarps) {
    Merged all{-INFINITY, 0.0F};
    float sums[kDim / kWarp] = {};
    for (int part = 0; part < task.n_splits; ++part) {
      const float* const from = task.partial + ((place + part) * n_rows + row) * (kDim + 2);
      float own_factor = 0.0F, other_factor = 0.0F;
      all = merge(all, __ldcg(from + kDim), __ldcg(from + kDim + 1), own_factor, other_factor);
#pragma unroll
      for (int i = 0; i < kDim / kWarp; ++i) {
        sums[i] = sums[i] * own_factor + __ldcg(from + i * kWarp + lane) * other_factor;
      }
    }
    const int token = tile.first_token + row / per_group;
    const int first_col = (static_cast<int>(blockIdx.y) * per_group + row % per_group) * kDim;
#pragma unroll
    for (int i = 0; i < kDim / kWarp; ++i) {
      *place_of_output(task, token, first_col + i * kWarp + lane) =
          limited_half(sums[i] / all.weight);
    }
  }
}

}  // namespace nibble::kernels::cuda
