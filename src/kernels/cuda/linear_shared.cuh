/// Products of packed weights with more tokens than a stream serves: warps own rows, and share the
/// activations of 64 tokens in shared memory.
///
///   y[t, r] = factor[r] * sum over c of w[r, c] x[t, c]
///
/// A block makes 256 rows of 64 tokens over a part of the columns; its eight warps have two tiles
/// of 16 rows each. A lane copies its own weights, all copy the activations, some column tiles
/// ahead. Where the blocks of all rows do not fill the device, the columns fall into parts, whose
/// sums a second kernel adds in order.
///
/// Precision  scale * (level + offset) is rounded to binary16, sums are float32. How many parts
///            there are depends on the number of tokens: never used where the order must be fixed
/// Source     m16n8k16 fragments: PTX ISA; our own
#pragma once

#include "kernels/cuda/linear_stream.cuh"

namespace nibble::kernels::cuda {

inline constexpr int kSharedTiles = 2;
inline constexpr int kSharedRows = kSharedTiles * 16 * kWarpsOfBlock;
inline constexpr int kSharedTokens = 64;
inline constexpr int kSharedEights = kSharedTokens / 8;
inline constexpr int kMostSharedStages = 4;

template <int kFormat>
using SharedShape = StreamShape<kFormat, kFormat != kFormatHalf, kSharedTiles, kSharedEights>;

/// Bytes of one stage: the weights of all warps, and [token][64 columns] of activations.
template <int kFormat>
inline constexpr int kSharedWeightBytes = SharedShape<kFormat>::kStageBytes* kWarpsOfBlock;
inline constexpr int kSharedActivationBytes = kSharedTokens * 64 * 2;
/// Stages that a block has room for; with less than two the streams multiply.
template <int kFormat>
__host__ __device__ constexpr int shared_stages(int block_bytes) {
  const int most = (block_bytes - SharedShape<kFormat>::kLutBytes) /
                   (kSharedWeightBytes<kFormat> + kSharedActivationBytes);
  return most < kMostSharedStages ? most : kMostSharedStages;
}
template <int kFormat>
constexpr int shared_bytes(int block_bytes) {
  return SharedShape<kFormat>::kLutBytes +
         shared_stages<kFormat>(block_bytes) *
             (kSharedWeightBytes<kFormat> + kSharedActivationBytes);
}

/// Parts of the columns: as many as fill the device, of four tiles at least.
inline int shared_parts(int n_blocks, int n_col_tiles) {
  const int most = n_col_tiles / 4 < 1 ? 1 : n_col_tiles / 4;
  const int wanted = kMostParts / n_blocks < 1 ? 1 : kMostParts / n_blocks;
  return wanted < most ? wanted : most;
}

/// A thread's share of the activations of a column tile.
__device__ __forceinline__ void copy_activations(const LinearTask& task,
                                                 int first_token,
                                                 int col_tile,
                                                 char* to) {
  const int token = static_cast<int>(threadIdx.x) / 4, quarter = static_cast<int>(threadIdx.x) % 4;
  const int col = col_tile * 64 + quarter * 16;
  const __half* const from = static_cast<const __half*>(task.x) +
                             static_cast<std::size_t>(first_token + token) * task.x_stride + col;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    char* const place = to + token * 128 + activation_place(token, quarter, half);
    if (first_token + token < task.n_tokens && col + half * 8 < task.w.cols) {
      copy_16(place, from + half * 8);
    } else {
      *reinterpret_cast<uint4*>(place) = uint4{0, 0, 0, 0};
    }
  }
}

/// Column tiles [first, end) of a part.
struct ColumnPart {
  int first, end;
};
__device__ __forceinline__ ColumnPart part_of_block(const WeightView& w) {
  const int n_parts = static_cast<int>(gridDim.z), part = static_cast<int>(blockIdx.z);
  return {w.n_col_tiles * part / n_parts, w.n_col_tiles * (part + 1) / n_parts};
}

template <int kFormat>
__device__ __forceinline__ void multiply_stage(const StreamLane<SharedShape<kFormat>>& weights,
                                               int i,
                                               const char* activations,
                                               const std::uint32_t* lut,
                                               float (&sums)[kSharedTiles][kSharedEights][4]) {
  std::uint32_t a[kSharedTiles][4][4];
#pragma unroll
  for (int tile = 0; tile < kSharedTiles; ++tile) {
    uint4 v[kVectors<kFormat>];
    weights.read(i, tile, v);
    const LaneScale scale = weights.scale(i, tile);
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      if constexpr (kFormat == kFormatHalf) {
        read_codes<kFormat>(v, step, lut, a[tile][step]);
      } else {
        read_scaled<kFormat>(v, step, scale, lut, a[tile][step]);
      }
    }
  }
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int e = 0; e < kSharedEights; ++e) {
    const int token = e * 8 + lane / 4;
    const uint4 low = *reinterpret_cast<const uint4*>(activations + token * 128 +
                                                      activation_place(token, lane % 4, 0));
    const uint4 high = *reinterpret_cast<const uint4*>(activations + token * 128 +
                                                       activation_place(token, lane % 4, 1));
#pragma unroll
    for (int tile = 0; tile < kSharedTiles; ++tile) {
      multiply(sums[tile][e], a[tile][0], low.x, low.y);
      multiply(sums[tile][e], a[tile][1], low.z, low.w);
      multiply(sums[tile][e], a[tile][2], high.x, high.y);
      multiply(sums[tile][e], a[tile][3], high.z, high.w);
    }
  }
}

/// Writes what a lane has: outputs, or sums of a part, [block][token][row].
template <int kFormat>
__device__ __forceinline__ void write_sums(const LinearTask& task,
                                           int first_row,
                                           int first_token,
                                           const float (&sums)[kSharedTiles][kSharedEights][4]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const bool is_paired = makes_pairs(task);
  const std::size_t block =
      (static_cast<std::size_t>(blockIdx.x) * gridDim.y + blockIdx.y) * gridDim.z + blockIdx.z;
  float* const partial = task.partial + block * kSharedRows * kSharedTokens;
#pragma unroll
  for (int tile = 0; tile < kSharedTiles; ++tile) {
    const int row = first_row + tile * 16 + lane / 4;
#pragma unroll
    for (int e = 0; e < kSharedEights; ++e) {
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        const int token = e * 8 + lane % 4 * 2 + k;
        const float upper = sums[tile][e][k] * kScaledUnit<kFormat>;
        const float lower = sums[tile][e][2 + k] * kScaledUnit<kFormat>;
        if (gridDim.z > 1) {
          float* const to = partial + token * kSharedRows + row % kSharedRows;
          to[0] = upper;
          to[8] = lower;
        } else if (first_token + token < task.n_tokens) {
          const float own = row < task.w.rows ? upper * task.w.row_factors[row] : 0.0F;
          const float other = row + 8 < task.w.rows ? lower * task.w.row_factors[row + 8] : 0.0F;
          if (row < task.w.rows) {
            write_output(task, first_token + token, row, own, other);
          }
          if (!is_paired && row + 8 < task.w.rows) {
            write_output(task, first_token + token, row + 8, other, 0.0F);
          }
        }
      }
    }
  }
}

template <int kFormat>
__global__ void __launch_bounds__(kWarpsOfBlock* kWarp, 2)
    shared_kernel(const __grid_constant__ LinearTask task) {
  using Shape = SharedShape<kFormat>;
  // Compiled, but never launched, where not even two have room.
  constexpr int kRoom = shared_stages<kFormat>(kBlockBytes), kSharedStages = kRoom < 2 ? 2 : kRoom;
  extern __shared__ __align__(128) char shared[];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  char* const ring = shared + Shape::kLutBytes;
  char* const activations = ring + kSharedStages * kSharedWeightBytes<kFormat>;
  const int first_row = (static_cast<int>(blockIdx.x) * kWarpsOfBlock + warp) * kSharedTiles * 16;
  const int first_token = static_cast<int>(blockIdx.y) * kSharedTokens;
  const ColumnPart part = part_of_block(task.w);
  const int n = part.end - part.first;
  // Stages of a warp lie one behind the other; it has kSharedStages of them.
  const StreamLane<Shape> weights{task.w,
                                  ring + warp * kSharedStages * Shape::kStageBytes,
                                  first_row / 16,
                                  lane,
                                  kSharedStages};

  const auto* lut = reinterpret_cast<const std::uint32_t*>(shared);
  if constexpr (kFormat == kFormatLut4) {
    fill_lut(task.w, reinterpret_cast<std::uint32_t*>(shared));
  }
#pragma unroll
  for (int i = 0; i < kSharedStages - 1; ++i) {
    if (i < n) {
      weights.copy(i, part.first + i);
    }
  }
  follow_earlier_kernels();
#pragma unroll
  for (int i = 0; i < kSharedStages - 1; ++i) {
    if (i < n) {
      copy_activations(task, first_token, part.first + i, activations + i * kSharedActivationBytes);
    }
    commit_copies();
  }

  float sums[kSharedTiles][kSharedEights][4] = {};
  for (int i = 0; i < n; ++i) {
    wait_for_copies<kSharedStages - 2>();
    __syncthreads();  // all have copied stage i, and read stage i - 1
    const int next = i + kSharedStages - 1;
    if (next < n) {
      weights.copy(next, part.first + next);
      copy_activations(task,
                       first_token,
                       part.first + next,
                       activations + next % kSharedStages * kSharedActivationBytes);
    }
    commit_copies();
    multiply_stage<kFormat>(
        weights, i, activations + i % kSharedStages * kSharedActivationBytes, lut, sums);
  }
  write_sums<kFormat>(task, first_row, first_token, sums);
}

/// The parts of a block's columns together, in order. Grid: row blocks, tokens.
static __global__ void __launch_bounds__(kSharedRows)
    combine_parts(const LinearTask task, int n_parts) {
  follow_earlier_kernels();
  const int token = static_cast<int>(blockIdx.y);
  const int n_token_tiles = (task.n_tokens + kSharedTokens - 1) / kSharedTokens;
  const int row = static_cast<int>(blockIdx.x) * kSharedRows + static_cast<int>(threadIdx.x);
  const std::size_t block =
      (static_cast<std::size_t>(blockIdx.x) * n_token_tiles + token / kSharedTokens) * n_parts;
  const float* from = task.partial + block * kSharedRows * kSharedTokens +
                      token % kSharedTokens * kSharedRows + threadIdx.x;
  float sum = 0.0F;
  for (int i = 0; i < n_parts; ++i) {
    sum += __ldcg(from + static_cast<std::size_t>(i) * kSharedRows * kSharedTokens);
  }
  sum *= row < task.w.rows ? task.w.row_factors[row] : 0.0F;
  const float partner = __shfl_down_sync(0xFFFFFFFFU, sum, 8);  // of the row 8 below
  const bool is_paired = makes_pairs(task);
  if (row < task.w.rows && !(is_paired && row % 16 >= 8)) {
    write_output(task, token, row, sum, partner);
  }
}

inline bool is_streamed(const LinearTask& task) {
  return task.fixed_order || task.n_tokens <= kStreamTokens;
}

template <int kFormat>
void launch_shared(const LinearTask& task, Stream stream) {
  const int n_bytes = shared_bytes<kFormat>(device_limits.block_bytes);
  static const bool is_set = cudaFuncSetAttribute(&shared_kernel<kFormat>,
                                                  cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  n_bytes) == cudaSuccess;
  static_cast<void>(is_set);
  const int n_row_blocks = (task.w.rows + kSharedRows - 1) / kSharedRows;
  const int n_token_tiles = (task.n_tokens + kSharedTokens - 1) / kSharedTokens;
  const int n_parts = shared_parts(n_row_blocks * n_token_tiles, task.w.n_col_tiles);
  const dim3 grid(static_cast<unsigned>(n_row_blocks),
                  static_cast<unsigned>(n_token_tiles),
                  static_cast<unsigned>(n_parts));
  launch(&shared_kernel<kFormat>,
         grid,
         kWarpsOfBlock * kWarp,
         static_cast<std::size_t>(n_bytes),
         stream,
         task);
  if (n_parts > 1) {
    launch(&combine_parts,
           dim3(grid.x, static_cast<unsigned>(task.n_tokens)),
           kSharedRows,
           0,
           stream,
           task,
           n_parts);
  }
}

}  // namespace nibble::kernels::cuda
