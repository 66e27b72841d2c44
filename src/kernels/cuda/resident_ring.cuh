/// What a block of linear_resident.cuh holds: its part of the matrix, its shared memory, and the
/// rings of its warps.
///
/// Source     our own
#pragma once

#include "kernels/cuda/fragments.cuh"
#include "kernels/cuda/pipeline.cuh"
#include "kernels/cuda/resident_plan.cuh"

namespace nibble::kernels::cuda {

/// What a kernel is compiled for: runs of kSpan column tiles in one group, tokens in eights.
template <int kFormat_, int kSpan_, int kEights_>
struct ResidentShape {
  static constexpr int kFormat = kFormat_, kSpan = kSpan_, kEights = kEights_;
  /// Row tiles of a warp at a time, which share what is read of the activations.
  static constexpr int kTiles = 2;
  static constexpr int kVectorsOfTile = kVectors<kFormat>;
  static constexpr int kColTileBytes = kVectorsOfTile * kWarp * 16;
  static constexpr int kRunBytes = kColTileBytes * kSpan;  ///< of a row tile
  static constexpr bool kHasScales = kFormat != kFormatHalf;
  static constexpr bool kHasSums = kFormat == kFormatCode4 || kFormat == kFormatCode8;
  /// Scales of 16 rows, and offsets.
  static constexpr int kScaleBytes = kHasScales ? 64 : 0;
  static constexpr int kStageBytes = kTiles * (kRunBytes + kScaleBytes);
  static constexpr int kStages = kRunBytes > 1024 || kEights == 2 ? 2 : 3;
  /// Threads that the registers would do for: with few tokens a block of attention finds some, too.
  static constexpr int kBoundThreads = kEights == 1 ? 896 : 512;
  static constexpr int kLutBytes = kFormat == kFormatLut4 ? 256 * kWarp * 4 : 0;
  __host__ __device__ static constexpr ResidentSizes sizes() {
    return {kLutBytes, kStages * kStageBytes, kSpan, kTiles};
  }
};

/// What of the matrix a block makes.
struct ResidentRange {
  int first_tile, end_tile;  ///< row tiles
  int first_run, end_run;    ///< of columns
  int slice;
};
template <class Shape>
__device__ __forceinline__ ResidentRange range_of_block(const WeightView& w,
                                                        const ResidentPlan& plan) {
  const int cluster = static_cast<int>(blockIdx.x) >> plan.slice_shift;
  const int slice = static_cast<int>(blockIdx.x) & (plan.n_slices - 1);
  const int n_runs = w.n_col_tiles / Shape::kSpan;
  // The first clusters have one more where the tiles do not go round, slices alike.
  const int first_tile = cluster * plan.least_tiles + min(cluster, plan.more_tiles);
  const int n_tiles = plan.least_tiles + (cluster < plan.more_tiles ? 1 : 0);
  const int first_run = min(slice * plan.slice_runs, n_runs);
  return {
      first_tile, first_tile + n_tiles, first_run, min(first_run + plan.slice_runs, n_runs), slice};
}

/// The shared memory of a block, in the order in which it lies there.
template <class Shape>
struct ResidentMemory {
  std::uint32_t* lut;
  char* ring;
  float* row_factors;       ///< [tile][16]
  float* squares;           ///< [token][warp] of the norm
  std::uint64_t* barriers;  ///< of the pieces of activations
  float* partial;           ///< [tile][warp of its columns][token][16]
  char* activations;        ///< [token][columns], a token every token_bytes
  int token_bytes;

  __device__ ResidentMemory(char* shared, const ResidentPlan& plan, int n_tokens) {
    const ResidentLayout at = resident_layout(plan, n_tokens, Shape::sizes());
    lut = reinterpret_cast<std::uint32_t*>(shared);
    ring = shared + at.ring;
    row_factors = reinterpret_cast<float*>(shared + at.row_factors);
    squares = reinterpret_cast<float*>(shared + at.squares);
    barriers = reinterpret_cast<std::uint64_t*>(shared + at.barriers);
    partial = reinterpret_cast<float*>(shared + at.partial);
    activations = shared + at.activations;
    token_bytes = cuda::token_bytes(plan.slice_runs * Shape::kSpan);
  }
};

/// Which runs of which row tiles a warp takes: those from first_tile and first_run on, in steps.
struct WarpWalk {
  int first_tile, tile_step;
  int first_run, run_step;

  template <class Shape>
  __device__ static WarpWalk of(const ResidentRange& range, const ResidentPlan& plan, int warp) {
    return {range.first_tile + (warp >> plan.k_shift) * Shape::kTiles,
            (kResidentWarps >> plan.k_shift) * Shape::kTiles,
            range.first_run + (warp & (plan.k_warps - 1)),
            plan.k_warps};
  }
};

/// A warp's ring of stages: weights of kTiles row tiles and a run of columns, then their scales and
/// offsets. A lane copies 16 bytes of each vector and a word of the scales.
template <class Shape>
class WeightRing {
 public:
  __device__ WeightRing(const WeightView& w,
                        const ResidentRange& range,
                        const WarpWalk& walk,
                        int group_shift,
                        char* stages)
      : w_(w), range_(range), walk_(walk), group_shift_(group_shift), stages_(stages) {
    tile_ = walk.first_run < range.end_run ? walk.first_tile : range.end_tile;
    run_ = walk.first_run;
  }

  __device__ void fill() {
#pragma unroll
    for (int i = 0; i < Shape::kStages; ++i) {
      start(stages_ + i * Shape::kStageBytes);
    }
  }
  /// The stage that is to be read next, once it is there.
  __device__ const char* wait() {
    wait_for_copies<Shape::kStages - 1>();
    __syncwarp();  // scales come from other lanes
    return stages_ + current_;
  }
  /// All lanes have read it: it is filled again.
  __device__ void release() {
    __syncwarp();
    start(stages_ + current_);
    constexpr int kLast = (Shape::kStages - 1) * Shape::kStageBytes;
    current_ = current_ == kLast ? 0 : current_ + Shape::kStageBytes;
  }

 private:
  /// Starts the copies of the next run, if there is one.
  __device__ void start(char* stage) {
    if (tile_ < range_.end_tile) {
      const bool is_paired = Shape::kTiles > 1 && tile_ + 1 < range_.end_tile;
      const int lane = static_cast<int>(threadIdx.x) % kWarp;
      const std::size_t line = static_cast<std::size_t>(w_.n_col_tiles) * Shape::kColTileBytes;
      const char* const codes = static_cast<const char*>(w_.codes) +
                                static_cast<std::size_t>(tile_) * line + run_ * Shape::kRunBytes +
                                lane * 16;
      copy_codes(stage + lane * 16, codes);
      if (is_paired) {
        copy_codes(stage + Shape::kRunBytes + lane * 16, codes + line);
      }
      if constexpr (Shape::kHasScales) {
        copy_scales(stage + Shape::kTiles * Shape::kRunBytes + lane * 4, lane, is_paired);
      }
      run_ += walk_.run_step;
      if (run_ >= range_.end_run) {
        run_ = walk_.first_run;
        tile_ += walk_.tile_step;
      }
    }
    commit_copies();
  }
  __device__ static void copy_codes(char* to, const char* from) {
#pragma unroll
    for (int at = 0; at < Shape::kRunBytes; at += kWarp * 16) {
      copy_16(to + at, from + at);
    }
  }
  /// Eight lanes the scales of a tile, eight its offsets, sixteen those of the next.
  __device__ void copy_scales(char* to, int lane, bool is_paired) const {
    const auto* const array =
        static_cast<const char*>(lane % 16 < 8 ? w_.scales : w_.offsets) + lane % 8 * 4;
    const bool is_there = lane % 16 < 8 || w_.offsets != nullptr;
    if (is_there && (lane < 16 || is_paired)) {
      copy_4(to,
             array + (static_cast<std::size_t>(tile_ + lane / 16) * w_.n_groups +
                      (run_ >> group_shift_)) *
                         32);
    }
  }

  const WeightView& w_;
  const ResidentRange& range_;
  const WarpWalk& walk_;
  int group_shift_;
  char* stages_;
  int current_ = 0;  ///< bytes to the stage that is to be read
  int tile_, run_;   ///< what is asked for next
};

}  // namespace nibble::kernels::cuda
