/// Products of packed weights with few tokens: each warp streams its own tiles of 64 columns from
/// memory to the matrix units.
///
///   y[t, r] = factor[r] * sum over g of scale[r, g] * (sum over c in g of level x[t, c]
///                                                     + offset[r, g] * sum over c in g of x[t, c])
///
/// A block makes 16 * kTiles rows of 8 * kEights tokens. Its eight warps take column tiles in
/// turns, so that what they ask for is one straight line; their sums are added in order. A lane
/// copies what it multiplies itself, some tiles ahead, so that no barrier stands between memory and
/// the sums, and it begins before the kernel that makes the activations has ended.
///
/// Two kinds of groups. Coarse ones hold whole tiles: codes go to the matrix units as they are, as
/// the bits of subnormal binary16 numbers (code * 2^-24, one instruction for two codes), the sum of
/// x is one more product with ones, and scale and offset are applied to sums. Fine ones (of 16 or
/// 32 columns) have another scale for each lane of a step: levels are scaled before they are
/// multiplied.
///
/// Precision  coarse: codes are exact, sums, scales and offsets float32; fine: scale * (level +
///            offset) is rounded to binary16. The order of the sums of an output does not depend on
///            the tokens beside it
/// Source     m16n8k16 fragments: PTX ISA; our own
#pragma once

#include "kernels/cuda/fragments.cuh"
#include "kernels/cuda/output.cuh"

namespace nibble::kernels::cuda {

inline constexpr int kWarpsOfBlock = 8;

/// What a kernel is compiled for.
template <int kFormat_, bool kIsFine_, int kTiles_, int kEights_>
struct StreamShape {
  static constexpr int kFormat = kFormat_;
  static constexpr bool kIsFine = kIsFine_;  ///< groups of less than 64 columns
  static constexpr int kTiles = kTiles_;
  static constexpr int kEights = kEights_;

  static constexpr int kVectorsOfTile = kVectors<kFormat>;
  static constexpr bool kHasScales = kFormat != kFormatHalf;
  static constexpr int kMostStages =
      kVectorsOfTile * kTiles >= 4 ? 3 : 8 / (kVectorsOfTile * kTiles);
  static constexpr int kVectorBytes = kVectorsOfTile * kTiles * kWarp * 16;
  static constexpr int kStageBytes = kVectorBytes + (kHasScales ? 2 : 0) * kTiles * kWarp * 4;
  static constexpr int kLutBytes = kFormat == kFormatLut4 ? 256 * kWarp * 4 : 0;
  static constexpr int kTokenBytes = 128;  ///< of one token in a column tile
  static constexpr int kSumBytes = kWarpsOfBlock * kTiles * 16 * kEights * 8 * 4;

  /// One stage of all warps with the activations of `n_tokens`.
  __host__ __device__ static constexpr int stage_bytes(int n_tokens) {
    return (kStageBytes + n_tokens * kTokenBytes) * kWarpsOfBlock;
  }
  /// Stages that a block has room for; less than two: none of this shape.
  __host__ __device__ static constexpr int stages(int block_bytes) {
    const int most = (block_bytes - kLutBytes) / stage_bytes(kEights * 8);
    return most < kMostStages ? most : kMostStages;
  }
  /// Shared memory of a block whose stages hold the activations of `n_tokens`.
  static constexpr int bytes(int n_tokens, int block_bytes) {
    const int ring = stage_bytes(n_tokens) * stages(block_bytes);
    return kLutBytes + ring > kSumBytes ? kLutBytes + ring : kSumBytes;
  }
};

/// Starts the copies of a lane's part of a column tile, and reads them back.
template <class Shape>
struct StreamLane {
  const WeightView& w;
  char* ring;  ///< of the warp
  int first_tile;
  int lane;

  int n_stages;
  int stage_bytes = Shape::kStageBytes;

  __device__ char* stage(int i) const { return ring + i % n_stages * stage_bytes; }
  __device__ std::uint32_t* words(int i, int tile) const {
    return reinterpret_cast<std::uint32_t*>(stage(i) + Shape::kVectorBytes) + tile * 2 * kWarp +
           lane;
  }
  /// The group of a lane's columns in a column tile.
  __device__ int group_of(int col_tile) const {
    if constexpr (Shape::kIsFine) {
      return min((col_tile * 64 + lane % 4 * 16) / w.group, w.n_groups - 1);
    }
    return w.group == 64 ? col_tile : col_tile * 64 / w.group;
  }

  __device__ void copy(int i, int col_tile) const {
#pragma unroll
    for (int tile = 0; tile < Shape::kTiles; ++tile) {
      const int row_tile = min(first_tile + tile, w.n_row_tiles - 1);
      const std::size_t at = static_cast<std::size_t>(row_tile) * w.n_col_tiles + col_tile;
      const uint4* from =
          static_cast<const uint4*>(w.codes) + at * Shape::kVectorsOfTile * kWarp + lane;
      uint4* to = reinterpret_cast<uint4*>(stage(i)) + tile * Shape::kVectorsOfTile * kWarp + lane;
#pragma unroll
      for (int v = 0; v < Shape::kVectorsOfTile; ++v) {
        copy_16(to + v * kWarp, from + v * kWarp);
      }
      if constexpr (Shape::kHasScales) {
        const std::size_t pair =
            (static_cast<std::size_t>(row_tile) * w.n_groups + group_of(col_tile)) * 8 + lane / 4;
        copy_4(words(i, tile), static_cast<const std::uint32_t*>(w.scales) + pair);
        if (w.offsets != nullptr) {
          copy_4(words(i, tile) + kWarp, static_cast<const std::uint32_t*>(w.offsets) + pair);
        }
      }
    }
  }

  __device__ void read(int i, int tile, uint4 (&v)[Shape::kVectorsOfTile]) const {
    const uint4* from =
        reinterpret_cast<const uint4*>(stage(i)) + tile * Shape::kVectorsOfTile * kWarp + lane;
#pragma unroll
    for (int j = 0; j < Shape::kVectorsOfTile; ++j) {
      v[j] = from[j * kWarp];
    }
  }
  __device__ LaneScale scale(int i, int tile) const {
    LaneScale out{};
    if constexpr (Shape::kHasScales) {
      out.scales = as_half2(words(i, tile)[0]);
      out.offsets = w.offsets != nullptr ? as_half2(words(i, tile)[kWarp])
                                         : __float2half2_rn(static_cast<float>(-w.zero));
    }
    return out;
  }
};

/// A lane's activations of a column tile: 16 columns, of one token of each eight. They lie behind
/// the weights of a stage.
template <class Shape>
struct StreamActivations {
  const LinearTask& task;
  int first_token;
  int n_tokens;  ///< that are there
  int lane;

  __device__ char* place(char* stage, int token, int half) const {
    return stage + Shape::kStageBytes + token * Shape::kTokenBytes +
           activation_place(token, lane % 4, half);
  }

  __device__ void copy(char* stage, int col_tile) const {
#pragma unroll
    for (int e = 0; e < Shape::kEights; ++e) {
      const int token = e * 8 + lane / 4;
      if (token >= n_tokens) {
        continue;
      }
      const __half* const line = static_cast<const __half*>(task.x) +
                                 static_cast<std::size_t>(first_token + token) * task.x_stride;
      const int col = col_tile * 64 + lane % 4 * 16;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        char* const to = place(stage, token, half);
        if (col + half * 8 < task.w.cols) {
          copy_16(to, line + col + half * 8);
        } else {
          *reinterpret_cast<uint4*>(to) = uint4{0, 0, 0, 0};
        }
      }
    }
  }

  __device__ void read(char* stage, std::uint32_t (&b)[Shape::kEights][8]) const {
#pragma unroll
    for (int e = 0; e < Shape::kEights; ++e) {
      const int token = e * 8 + lane / 4;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const uint4 x = token < n_tokens
                            ? *reinterpret_cast<const uint4*>(place(stage, token, half))
                            : uint4{0, 0, 0, 0};
        b[e][half * 4 + 0] = x.x;
        b[e][half * 4 + 1] = x.y;
        b[e][half * 4 + 2] = x.z;
        b[e][half * 4 + 3] = x.w;
      }
    }
  }
};

template <class Shape>
using StreamSums = float[Shape::kTiles][Shape::kEights][4];

/// Sums of x over a column tile in the places of an output's tokens: a product with ones.
template <class Shape>
__device__ __forceinline__ void sum_activations(const std::uint32_t (&b)[Shape::kEights][8],
                                                float (&sums)[Shape::kEights][4]) {
  constexpr std::uint32_t kOnes[4] = {0x3C003C00, 0x3C003C00, 0x3C003C00, 0x3C003C00};
#pragma unroll
  for (int e = 0; e < Shape::kEights; ++e) {
    sums[e][0] = sums[e][1] = sums[e][2] = sums[e][3] = 0.0F;
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      multiply(sums[e], kOnes, b[e][2 * step], b[e][2 * step + 1]);
    }
  }
}

/// sums += scale * (codes x + offset * sum of x) of a column tile that one group holds.
template <class Shape>
__device__ __forceinline__ void add_coarse(const StreamLane<Shape>& stream,
                                           int i,
                                           const std::uint32_t (&b)[Shape::kEights][8],
                                           const std::uint32_t* lut,
                                           StreamSums<Shape>& sums) {
  constexpr bool kIsCode = Shape::kFormat == kFormatCode4 || Shape::kFormat == kFormatCode8;
  float ones[Shape::kEights][4];
  if constexpr (kIsCode) {
    sum_activations<Shape>(b, ones);
  }
#pragma unroll
  for (int tile = 0; tile < Shape::kTiles; ++tile) {
    float part[Shape::kEights][4] = {};
    uint4 v[Shape::kVectorsOfTile];
    stream.read(i, tile, v);
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      std::uint32_t a[4];
      read_codes<Shape::kFormat>(v, step, lut, a);
#pragma unroll
      for (int e = 0; e < Shape::kEights; ++e) {
        multiply(part[e], a, b[e][2 * step], b[e][2 * step + 1]);
      }
    }
    const LaneScale scale = stream.scale(i, tile);
    const float2 factor = __half22float2(scale.scales), offset = __half22float2(scale.offsets);
#pragma unroll
    for (int e = 0; e < Shape::kEights; ++e) {
#pragma unroll
      for (int place = 0; place < 4; ++place) {
        const bool is_upper = place < 2;
        float& sum = sums[tile][e][place];
        if constexpr (Shape::kFormat == kFormatHalf) {
          sum += part[e][place];
        } else if constexpr (kIsCode) {
          const float unit = is_upper ? kUpperUnit : kLowerUnit<Shape::kFormat>;
          const float inner =
              part[e][place] * unit + (is_upper ? offset.x : offset.y) * ones[e][place];
          sum += (is_upper ? factor.x : factor.y) * inner;
        } else {
          sum += (is_upper ? factor.x : factor.y) * part[e][place];
        }
      }
    }
  }
}

/// sums += levels x, where levels are scaled already.
template <class Shape>
__device__ __forceinline__ void add_fine(const StreamLane<Shape>& stream,
                                         int i,
                                         const std::uint32_t (&b)[Shape::kEights][8],
                                         const std::uint32_t* lut,
                                         StreamSums<Shape>& sums) {
#pragma unroll
  for (int tile = 0; tile < Shape::kTiles; ++tile) {
    uint4 v[Shape::kVectorsOfTile];
    stream.read(i, tile, v);
    const LaneScale scale = stream.scale(i, tile);
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      std::uint32_t a[4];
      read_scaled<Shape::kFormat>(v, step, scale, lut, a);
#pragma unroll
      for (int e = 0; e < Shape::kEights; ++e) {
        multiply(sums[tile][e], a, b[e][2 * step], b[e][2 * step + 1]);
      }
    }
  }
}

/// Adds the sums of the warps, [warp][token][row], in order, and writes what they make.
template <int kRows, int kTokens>
__device__ __forceinline__ void finish(const LinearTask& task,
                                       const float* sums,
                                       int first_row,
                                       int first_token) {
  const bool is_paired = makes_pairs(task);
  const auto total = [&](int at, int row) {
    float sum = 0.0F;
#pragma unroll
    for (int warp = 0; warp < kWarpsOfBlock; ++warp) {
      sum += sums[warp * kRows * kTokens + at];
    }
    return sum * task.w.row_factors[row];
  };
  for (int i = static_cast<int>(threadIdx.x); i < kRows * kTokens; i += kWarpsOfBlock * kWarp) {
    const int token = first_token + i / kRows;
    const int row = first_row + i % kRows;
    if (token >= task.n_tokens || row >= task.w.rows || (is_paired && row % 16 >= 8)) {
      continue;
    }
    write_output(task, token, row, total(i, row), is_paired ? total(i + 8, row + 8) : 0.0F);
  }
}

template <class Shape>
__global__ void __launch_bounds__(kWarpsOfBlock* kWarp,
                                  Shape::kEights == 1   ? 3
                                  : Shape::kEights == 2 ? 2
                                                        : 1)
    stream_kernel(const __grid_constant__ LinearTask task) {
  constexpr int kEights = Shape::kEights, kTiles = Shape::kTiles;
  // Compiled, but never launched, where not even two have room.
  constexpr int kStages = Shape::stages(kBlockBytes) < 2 ? 2 : Shape::stages(kBlockBytes);
  extern __shared__ __align__(128) char shared[];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const WeightView& w = task.w;
  const int first_tile = static_cast<int>(blockIdx.x) * kTiles;
  const int first_token = static_cast<int>(blockIdx.y) * kEights * 8;
  const int n_tile_tokens = min(kEights * 8, task.n_tokens);
  const int stage_bytes = Shape::kStageBytes + n_tile_tokens * Shape::kTokenBytes;
  const StreamLane<Shape> stream{w,
                                 shared + Shape::kLutBytes + warp * kStages * stage_bytes,
                                 first_tile,
                                 lane,
                                 kStages,
                                 stage_bytes};
  const StreamActivations<Shape> activations{
      task, first_token, min(n_tile_tokens, task.n_tokens - first_token), lane};
  const int n = (w.n_col_tiles - warp + kWarpsOfBlock - 1) / kWarpsOfBlock;

#pragma unroll
  for (int i = 0; i < kStages - 1; ++i) {
    if (i < n) {
      stream.copy(i, warp + i * kWarpsOfBlock);
    }
  }
  const auto* lut = reinterpret_cast<const std::uint32_t*>(shared);
  if constexpr (Shape::kFormat == kFormatLut4) {
    fill_lut(w, reinterpret_cast<std::uint32_t*>(shared));
    __syncthreads();
  }
  follow_earlier_kernels();
#pragma unroll
  for (int i = 0; i < kStages - 1; ++i) {
    if (i < n) {
      activations.copy(stream.stage(i), warp + i * kWarpsOfBlock);
    }
    commit_copies();
  }

  StreamSums<Shape> sums = {};
  for (int i = 0; i < n; ++i) {
    wait_for_copies<kStages - 2>();
    const int ahead = i + kStages - 1;
    if (ahead < n) {
      stream.copy(ahead, warp + ahead * kWarpsOfBlock);
      activations.copy(stream.stage(ahead), warp + ahead * kWarpsOfBlock);
    }
    commit_copies();
    std::uint32_t b[kEights][8];
    activations.read(stream.stage(i), b);
    if constexpr (Shape::kIsFine) {
      add_fine<Shape>(stream, i, b, lut, sums);
    } else {
      add_coarse<Shape>(stream, i, b, lut, sums);
    }
  }

  wait_for_copies<0>();
  __syncthreads();
  constexpr int kRows = kTiles * 16, kTokens = kEights * 8;
  float* const all = reinterpret_cast<float*>(shared);
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
    for (int e = 0; e < kEights; ++e) {
      float* const to =
          all + (warp * kTokens + e * 8 + lane % 4 * 2) * kRows + tile * 16 + lane / 4;
      constexpr float kUnit = Shape::kIsFine ? kScaledUnit<Shape::kFormat> : 1.0F;
      to[0] = sums[tile][e][0] * kUnit;
      to[kRows] = sums[tile][e][1] * kUnit;
      to[8] = sums[tile][e][2] * kUnit;
      to[kRows + 8] = sums[tile][e][3] * kUnit;
    }
  }
  __syncthreads();
  finish<kRows, kTokens>(task, all, first_tile * 16, first_token);
}

/// Launches the kernel of a shape over all rows and tokens.
template <class Shape>
void launch_stream(const LinearTask& task, Stream stream) {
  const auto kernel = &stream_kernel<Shape>;
  constexpr int kTokens = Shape::kEights * 8;
  static const bool is_set =
      cudaFuncSetAttribute(kernel,
                           cudaFuncAttributeMaxDynamicSharedMemorySize,
                           Shape::bytes(kTokens, device_limits.block_bytes)) == cudaSuccess;
  static_cast<void>(is_set);
  const dim3 grid(static_cast<unsigned>((task.w.n_row_tiles + Shape::kTiles - 1) / Shape::kTiles),
                  static_cast<unsigned>((task.n_tokens + kTokens - 1) / kTokens));
  const int n_tile_tokens = task.n_tokens < kTokens ? task.n_tokens : kTokens;
  launch(kernel,
         grid,
         kWarpsOfBlock * kWarp,
         static_cast<std::size_t>(Shape::bytes(n_tile_tokens, device_limits.block_bytes)),
         stream,
         task);
}

/// By the number of tokens, 8, 16 or 32 at a time, as the shared memory of a block has room: 64 KB
/// hold what 8 tokens take of any format.
template <int kFormat, bool kIsFine>
void launch_for_tokens(const LinearTask& task, Stream stream) {
  using Few = StreamShape<kFormat, kIsFine, 1, 1>;
  using Some = StreamShape<kFormat, kIsFine, 2, 2>;
  using Many = StreamShape<kFormat, kIsFine, 2, 4>;
  static_assert(Few::stages(block_bytes_of(75)) >= 2, "no device is left without a kernel");
  const auto fits = [](int n_stages) { return n_stages >= 2; };
  if (task.n_tokens > 16 && fits(Many::stages(device_limits.block_bytes))) {
    launch_stream<Many>(task, stream);
  } else if (task.n_tokens > 8 && fits(Some::stages(device_limits.block_bytes))) {
    launch_stream<Some>(task, stream);
  } else {
    launch_stream<Few>(task, stream);
  }
}

/// By the groups: which kernel is taken depends on the matrix alone.
template <int kFormat>
void launch_streams(const LinearTask& task, Stream stream) {
  if (task.w.group % 64 != 0) {
    launch_for_tokens<kFormat, true>(task, stream);
  } else {
    launch_for_tokens<kFormat, false>(task, stream);
  }
}

}  // namespace nibble::kernels::cuda
