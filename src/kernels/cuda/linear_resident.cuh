/// Products of packed weights with few tokens, one block a multiprocessor: the activations stay in
/// shared memory while all of the block's rows stream past them.
///
///   y[t, r] = factor[r] * sum over g of scale[r, g] * (sum over c in g of level x[t, c]
///                                                     + offset[r, g] * sum over c in g of x[t, c])
///
/// A cluster of blocks owns a run of row tiles, and each of its blocks (a slice) a part of the
/// columns, whose activations of all tokens it holds. In a block, `k_warps` warps share a tile's
/// columns, and the others take other tiles; each fills a ring of its own and meets the others
/// once, at the end, where sums of warps and slices are added in order. The ring is asked for
/// before the kernel that makes the activations has ended.
///
/// With `norm` the activations are the float stream between layers, and the block normalizes them
/// itself: y of half(x * norm / rms(x)).
///
/// Precision  codes are exact, sums, scales and offsets float32. The order of the sums depends on
///            the number of tokens: never used where it must be fixed
/// Source     m16n8k16 fragments: PTX ISA; our own
#pragma once

#include "kernels/cuda/output.cuh"
#include "kernels/cuda/pipeline.cuh"
#include "kernels/cuda/resident_input.cuh"

namespace nibble::kernels::cuda {

template <class Shape>
using ResidentSums = float[Shape::kTiles][Shape::kEights][4];

/// part = codes x of one stage, and ones = the sums of x, where offsets want them.
template <class Shape, int kCount>
__device__ __forceinline__ void multiply_codes(const char* stage,
                                               const LaneActivations<Shape>& x,
                                               int columns_at,
                                               const std::uint32_t* lut,
                                               ResidentSums<Shape>& part,
                                               float (&ones)[Shape::kEights][4]) {
  constexpr std::uint32_t kOnes[4] = {0x3C003C00, 0x3C003C00, 0x3C003C00, 0x3C003C00};
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int k = 0; k < Shape::kSpan; ++k) {
    std::uint32_t b[Shape::kEights][8];
    x.read(columns_at + k * 128, b);
    if constexpr (Shape::kHasSums) {
#pragma unroll
      for (int step = 0; step < 4; ++step) {
#pragma unroll
        for (int e = 0; e < Shape::kEights; ++e) {
          multiply(ones[e], kOnes, b[e][2 * step], b[e][2 * step + 1]);
        }
      }
    }
#pragma unroll
    for (int tile = 0; tile < kCount; ++tile) {
      uint4 v[Shape::kVectorsOfTile];
#pragma unroll
      for (int i = 0; i < Shape::kVectorsOfTile; ++i) {
        v[i] = reinterpret_cast<const uint4*>(
            stage + tile * Shape::kRunBytes)[(k * Shape::kVectorsOfTile + i) * kWarp + lane];
      }
#pragma unroll
      for (int step = 0; step < 4; ++step) {
        std::uint32_t a[4];
        read_codes<Shape::kFormat>(v, step, lut, a);
#pragma unroll
        for (int e = 0; e < Shape::kEights; ++e) {
          multiply(part[tile][e], a, b[e][2 * step], b[e][2 * step + 1]);
        }
      }
    }
  }
}

/// sums += scale * (part + offset * sum of x), of a run that one group holds.
template <class Shape, int kCount>
__device__ __forceinline__ void add_scaled(const WeightView& w,
                                           const char* scales,
                                           const float (&ones)[Shape::kEights][4],
                                           const ResidentSums<Shape>& part,
                                           ResidentSums<Shape>& sums) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int tile = 0; tile < kCount; ++tile) {
    const auto* const own =
        reinterpret_cast<const __half2*>(scales + tile * Shape::kScaleBytes) + lane / 4;
    const float2 scale = __half22float2(own[0]);
    if constexpr (Shape::kHasSums) {
      const float2 offset = w.offsets != nullptr
                                ? __half22float2(own[8])
                                : float2{static_cast<float>(-w.zero), static_cast<float>(-w.zero)};
      const float unit[2] = {scale.x * kUpperUnit, scale.y * kLowerUnit<Shape::kFormat>};
      const float shift[2] = {scale.x * offset.x, scale.y * offset.y};
#pragma unroll
      for (int e = 0; e < Shape::kEights; ++e) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          float& sum = sums[tile][e][i];
          sum = fmaf(unit[i / 2], part[tile][e][i], sum);
          sum = fmaf(shift[i / 2], ones[e][i], sum);
        }
      }
    } else {
#pragma unroll
      for (int e = 0; e < Shape::kEights; ++e) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          sums[tile][e][i] += (i < 2 ? scale.x : scale.y) * part[tile][e][i];
        }
      }
    }
  }
}

/// All runs of kCount row tiles.
template <class Shape, int kCount>
__device__ __forceinline__ void multiply_runs(const WeightView& w,
                                              const ResidentRange& range,
                                              const WarpWalk& walk,
                                              const ResidentMemory<Shape>& memory,
                                              LaneActivations<Shape>& x,
                                              WeightRing<Shape>& ring,
                                              ResidentSums<Shape>& sums) {
  for (int run = walk.first_run; run < range.end_run; run += walk.run_step) {
    const int local_run = run - range.first_run;
    const char* const stage = ring.wait();
    x.wait(local_run);
    float ones[Shape::kEights][4] = {};
    if constexpr (Shape::kHasScales) {
      ResidentSums<Shape> part = {};
      multiply_codes<Shape, kCount>(
          stage, x, local_run * Shape::kSpan * 128, memory.lut, part, ones);
      add_scaled<Shape, kCount>(w, stage + Shape::kTiles * Shape::kRunBytes, ones, part, sums);
    } else {
      multiply_codes<Shape, kCount>(
          stage, x, local_run * Shape::kSpan * 128, memory.lut, sums, ones);
    }
    ring.release();
  }
}

/// All runs of the row tiles from `tile` on that a warp takes at a time.
template <class Shape>
__device__ __forceinline__ void multiply_tiles(const WeightView& w,
                                               const ResidentRange& range,
                                               const WarpWalk& walk,
                                               const ResidentMemory<Shape>& memory,
                                               int tile,
                                               LaneActivations<Shape>& x,
                                               WeightRing<Shape>& ring,
                                               ResidentSums<Shape>& sums) {
#pragma unroll
  for (int t = 0; t < Shape::kTiles; ++t) {
#pragma unroll
    for (int e = 0; e < Shape::kEights; ++e) {
      sums[t][e][0] = sums[t][e][1] = sums[t][e][2] = sums[t][e][3] = 0.0F;
    }
  }
  if (tile + Shape::kTiles <= range.end_tile) {
    multiply_runs<Shape, Shape::kTiles>(w, range, walk, memory, x, ring, sums);
  } else {
    multiply_runs<Shape, 1>(w, range, walk, memory, x, ring, sums);
  }
}

/// A warp's sums of a pass to where they meet the others'.
template <class Shape>
__device__ __forceinline__ void store_partial(
    const ResidentSums<Shape>& sums, int n_tiles, int n_tokens, float* to, int tile_floats) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
#pragma unroll
  for (int tile = 0; tile < Shape::kTiles; ++tile) {
#pragma unroll
    for (int e = 0; e < Shape::kEights; ++e) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int token = e * 8 + lane % 4 * 2 + i % 2;
        if (tile < n_tiles && token < n_tokens) {
          to[tile * tile_floats + token * 16 + lane / 4 + i / 2 * 8] = sums[tile][e][i];
        }
      }
    }
  }
}

/// The sum of a row and token over the warps of a block, in order.
__device__ __forceinline__ float sum_of_warps(const float* place, int n_warps, int stride) {
  float sum = 0.0F;
#pragma unroll 4
  for (int warp = 0; warp < n_warps; ++warp) {
    sum += place[warp * stride];
  }
  return sum;
}
/// And over the blocks of a cluster, whose sums of warps lie in the places of warp 0.
__device__ __forceinline__ float sum_of_slices(const float* place, int n_slices) {
  float parts[kMostSlices];
#pragma unroll
  for (int slice = 0; slice < kMostSlices; ++slice) {
    parts[slice] = slice < n_slices ? read_of_block(place, slice) : 0.0F;
  }
  float sum = 0.0F;
#pragma unroll
  for (int slice = 0; slice < kMostSlices; ++slice) {
    sum += parts[slice];
  }
  return sum;
}

/// Sums of warps and slices, in order, and what they make. The blocks of a cluster share the work;
/// a thread has one row of sixteen, and lines of a tile and token in steps.
template <class Shape>
__device__ __forceinline__ void finish_resident(const LinearTask& task,
                                                const ResidentPlan& plan,
                                                const ResidentRange& range,
                                                const ResidentMemory<Shape>& memory) {
  constexpr int kLines = kResidentWarps * kWarp / 16;
  const bool is_paired = makes_pairs(task);
  const int row = static_cast<int>(threadIdx.x) % 16, line = static_cast<int>(threadIdx.x) / 16;
  const int n_lines = (range.end_tile - range.first_tile) * task.n_tokens;
  const int stride = task.n_tokens * 16;
  const auto place_of = [&](int tile, int token) {
    return memory.partial + (tile * plan.k_warps * task.n_tokens + token) * 16;
  };
  __syncthreads();
  if (plan.n_slices > 1) {
    for (int i = line; i < n_lines; i += kLines) {
      float* const place = place_of(i / task.n_tokens, i % task.n_tokens) + row;
      *place = sum_of_warps(place, plan.k_warps, stride);
    }
    synchronize_cluster();
  }
  for (int i = range.slice * kLines + line; i < n_lines; i += kLines * plan.n_slices) {
    const int tile = i / task.n_tokens, token = i % task.n_tokens;
    const int first_row = (range.first_tile + tile) * 16;
    const auto total = [&](int r) {
      const float* const place = place_of(tile, token) + r;
      return memory.row_factors[tile * 16 + r] * (plan.n_slices > 1
                                                      ? sum_of_slices(place, plan.n_slices)
                                                      : sum_of_warps(place, plan.k_warps, stride));
    };
    if (first_row + row < task.w.rows && !(is_paired && row >= 8)) {
      write_output(task, token, first_row + row, total(row), is_paired ? total(row + 8) : 0.0F);
    }
  }
  if (plan.n_slices > 1) {
    synchronize_cluster();  // nobody leaves while its sums are read
  }
}

/// kNormParts is 0 where activations are halves as they come.
template <class Shape, int kNormParts>
__global__ void __launch_bounds__(Shape::kBoundThreads, 1)
    resident_kernel(const __grid_constant__ LinearTask task,
                    const __grid_constant__ ResidentPlan plan) {
  extern __shared__ __align__(128) char shared[];
  const WeightView& w = task.w;
  const ResidentMemory<Shape> memory(shared, plan, task.n_tokens);
  const ResidentRange range = range_of_block<Shape>(w, plan);
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const WarpWalk walk = WarpWalk::of<Shape>(range, plan, warp);
  WeightRing<Shape> ring(
      w, range, walk, plan.group_shift, memory.ring + warp * Shape::kStages * Shape::kStageBytes);
  for (int i = static_cast<int>(threadIdx.x); i < (range.end_tile - range.first_tile) * 16;
       i += kResidentWarps * kWarp) {
    copy_4(memory.row_factors + i, w.row_factors + range.first_tile * 16 + i);
  }
  ring.fill();  // row factors come with the first stage
  if constexpr (Shape::kFormat == kFormatLut4) {
    fill_lut(w, memory.lut);
  }
  if constexpr (kNormParts > 0) {
    const NormWeights<kNormParts> norm(task.norm);
    follow_earlier_kernels();
    normalize_activations<Shape>(task, norm, memory);
  } else {
    expect_activations<Shape>(task, range, memory);
    __syncthreads();
    follow_earlier_kernels();
    copy_activations<Shape>(task, range, memory);
  }
  LaneActivations<Shape> x(memory, range, task.n_tokens);
  if (kNormParts > 0 || NIBBLE_HAS_BULK_COPIES == 0) {
    __syncthreads();
    x.set_complete();
  }

  const int tile_floats = plan.k_warps * task.n_tokens * 16;
  ResidentSums<Shape> sums;
  for (int tile = walk.first_tile; tile < range.end_tile; tile += walk.tile_step) {
    multiply_tiles<Shape>(w, range, walk, memory, tile, x, ring, sums);
    store_partial<Shape>(sums,
                         min(Shape::kTiles, range.end_tile - tile),
                         task.n_tokens,
                         memory.partial + (tile - range.first_tile) * tile_floats +
                             (warp & (plan.k_warps - 1)) * task.n_tokens * 16,
                         tile_floats);
  }
  wait_for_copies<0>();
  finish_resident<Shape>(task, plan, range, memory);
}

/// Clusters of `n_slices` blocks that fit the device side by side, a block a multiprocessor.
template <class Shape, int kNormParts>
int most_clusters(int n_slices) {
  if (n_slices == 1) {
    return device_limits.n_multiprocessors;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(n_slices));
  config.blockDim = dim3(kResidentWarps * kWarp);
  config.dynamicSmemBytes = static_cast<std::size_t>(device_limits.block_bytes);
  cudaLaunchAttribute attribute = cluster_of(dim3(static_cast<unsigned>(n_slices)));
  config.attrs = &attribute;
  config.numAttrs = 1;
  int n_clusters = 0;
  cudaOccupancyMaxActiveClusters(&n_clusters, resident_kernel<Shape, kNormParts>, &config);
  return n_clusters;
}

/// How a product is divided; no clusters where it cannot be done.
template <class Shape, int kNormParts>
ResidentPlan plan_resident(const LinearTask& task, const ResidentSizes& sizes) {
  constexpr int kSlices = 4;
  static const int clusters[kSlices] = {most_clusters<Shape, kNormParts>(1),
                                        most_clusters<Shape, kNormParts>(2),
                                        most_clusters<Shape, kNormParts>(4),
                                        most_clusters<Shape, kNormParts>(8)};
  const int most_slices = kNormParts > 0 || !device_limits.is_hopper ? 1 : kSlices;
  for (int i = 0; i < most_slices; ++i) {
    const ResidentPlan plan = divide(task, sizes, 1 << i, clusters[i], device_limits.block_bytes);
    if (plan.n_clusters > 0) {
      return plan;
    }
  }
  ResidentPlan none;
  none.n_clusters = 0;
  return none;
}

/// Launches the kernel, or says that the product does not fit its shared memory.
template <class Shape, int kNormParts>
bool launch_resident(const LinearTask& task, Stream stream) {
  const auto kernel = &resident_kernel<Shape, kNormParts>;
  static const bool is_set = cudaFuncSetAttribute(kernel,
                                                  cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                  device_limits.block_bytes) == cudaSuccess;
  const ResidentPlan plan = plan_resident<Shape, kNormParts>(task, Shape::sizes());
  if (!is_set || plan.n_clusters == 0) {
    return false;
  }
  const int needed = resident_layout(plan, task.n_tokens, Shape::sizes()).size;
  const int least =
      kLeastBytes < device_limits.block_bytes ? kLeastBytes : device_limits.block_bytes;
  const int shared_bytes = needed > least ? needed : least;
  launch_clusters(kernel,
                  dim3(static_cast<unsigned>(plan.n_clusters * plan.n_slices)),
                  dim3(static_cast<unsigned>(plan.n_slices)),
                  kResidentWarps * kWarp,
                  static_cast<std::size_t>(shared_bytes),
                  stream,
                  task,
                  plan);
  return true;
}

template <int kFormat, int kSpan>
bool launch_resident_span(const LinearTask& task, Stream stream) {
  using Few = ResidentShape<kFormat, kSpan, 1>;
  if (task.norm != nullptr) {
    return norm_parts(task) == 1 ? launch_resident<Few, 1>(task, stream)
                                 : launch_resident<Few, 2>(task, stream);
  }
  if (task.n_tokens <= 8) {
    return launch_resident<Few, 0>(task, stream);
  }
  return launch_resident<ResidentShape<kFormat, kSpan, 2>, 0>(task, stream);
}

/// False where another kernel must multiply.
template <int kFormat>
bool launch_resident_format(const LinearTask& task, Stream stream) {
  if (!is_resident(task)) {
    return false;
  }
  if constexpr (kFormat == kFormatCode4 || kFormat == kFormatLut4) {
    if (span_of(task.w) == 2) {
      return launch_resident_span<kFormat, 2>(task, stream);
    }
  }
  return launch_resident_span<kFormat, 1>(task, stream);
}

}  // namespace nibble::kernels::cuda
