/// How linear_resident.cuh divides a product among blocks and warps, and where things lie in a
/// block's shared memory.
///
/// Source     our own; the numbers are those of docs/results/cuda.md
#pragma once

#include <cstddef>

#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

inline constexpr int kResidentWarps = 16;

/// Two blocks never share a multiprocessor, or some would have none.
inline constexpr int kLeastBytes = 116 * 1024;
/// Most tokens of these kernels, and most blocks that share columns.
inline constexpr int kResidentTokens = 16;
inline constexpr int kMostSlices = 8;
/// Pieces of a slice's columns that are waited for one by one.
inline constexpr int kPieces = 4;

/// Column tiles of a run: two where a group holds them.
inline int span_of(const WeightView& w) {
  const bool has_short_codes = w.format == 1 || w.format == 2;
  return has_short_codes && w.group % 128 == 0 && w.n_col_tiles % 2 == 0 ? 2 : 1;
}
/// A group is 2^n runs; -1 where it is not, 31 where it is the row.
inline int group_shift(const WeightView& w) {
  if (w.format == 0 || w.group >= w.cols) {
    return 31;
  }
  const int run = 64 * span_of(w);
  for (int n = 0; w.group % run == 0 && n < 31; ++n) {
    if (w.group / run == 1 << n) {
      return n;
    }
  }
  return -1;
}
/// Whether a product is one of these kernels' where it fits their memory.
inline bool is_resident(const LinearTask& task) {
  return !task.fixed_order && task.n_tokens <= kResidentTokens && group_shift(task.w) >= 0;
}

/// Columns that all threads of a block normalize at a time, four each, and the most tokens.
inline constexpr int kNormPart = kResidentWarps * 128;
inline constexpr int kNormTokens = 4;

/// Parts of a normalized stream: 0 where no kernel is compiled for them.
inline int norm_parts(const LinearTask& task) {
  const bool is_one = task.w.cols == kNormPart || task.w.cols == 2 * kNormPart;
  return is_one && task.n_tokens <= kNormTokens ? task.w.cols / kNormPart : 0;
}

struct ResidentPlan {
  int n_slices = 1;                     ///< blocks of a cluster, which share the columns
  int n_clusters = 1;                   ///< which share the row tiles
  int k_warps = kResidentWarps;         ///< warps that share a row tile's columns: 1, 2, 4, 8 or 16
  int most_tiles = 0;                   ///< row tiles of a cluster, at most
  int slice_runs = 0;                   ///< runs of a slice, at most
  int least_tiles = 0, more_tiles = 0;  ///< of a cluster, and clusters that have one more
  int slice_shift = 0, k_shift = 0;     ///< 2^them are n_slices and k_warps
  int group_shift = 0;
};

/// Sizes that a kernel is compiled for.
struct ResidentSizes {
  int lut_bytes;
  int ring_bytes;  ///< of a warp
  int span;        ///< column tiles of a run
  int tiles;       ///< row tiles of a warp at a time
};

/// Bytes from the start of shared memory; the table of a codebook comes first.
struct ResidentLayout {
  int ring, row_factors, squares, barriers, partial, activations, size;
};

__host__ __device__ constexpr int aligned(int n_bytes) {
  return (n_bytes + 127) / 128 * 128;
}

/// From one token's activations to the next's: 16 bytes more than they take, so that eight lanes
/// that read 16 bytes each of two tokens meet all banks.
__host__ __device__ constexpr int token_bytes(int n_col_tiles) {
  return n_col_tiles * 128 + 16;
}

__host__ __device__ constexpr ResidentLayout resident_layout(const ResidentPlan& plan,
                                                             int n_tokens,
                                                             const ResidentSizes& sizes) {
  ResidentLayout at{};
  at.ring = sizes.lut_bytes;
  at.row_factors = at.ring + kResidentWarps * sizes.ring_bytes;
  at.squares = at.row_factors + aligned(plan.most_tiles * 16 * 4);
  at.barriers = at.squares + aligned(kNormTokens * kResidentWarps * 4);
  at.partial = at.barriers + aligned(kPieces * 8);
  at.activations = at.partial + aligned(plan.most_tiles * plan.k_warps * n_tokens * 16 * 4);
  at.size = at.activations + n_tokens * token_bytes(plan.slice_runs * sizes.span);
  return at;
}

/// Steps of the busiest warp: a run of `tiles` row tiles each.
inline int resident_steps(const ResidentPlan& plan, const ResidentSizes& sizes) {
  const int rows = kResidentWarps / plan.k_warps * sizes.tiles;
  return (plan.most_tiles + rows - 1) / rows *
         ((plan.slice_runs + plan.k_warps - 1) / plan.k_warps);
}

/// The columns among `n_slices` blocks, and those of a block among the warps: the least steps that
/// fit `n_bytes`, and of about as many the fewest warps, whose sums must meet. No clusters: none
/// fit.
inline ResidentPlan divide(const LinearTask& task,
                           const ResidentSizes& sizes,
                           int n_slices,
                           int most_clusters,
                           int n_bytes) {
  const WeightView& w = task.w;
  ResidentPlan best;
  best.n_clusters = 0;
  if (most_clusters == 0) {
    return best;
  }
  ResidentPlan plan;
  plan.n_slices = n_slices;
  plan.n_clusters = w.n_row_tiles < most_clusters ? w.n_row_tiles : most_clusters;
  plan.most_tiles = (w.n_row_tiles + plan.n_clusters - 1) / plan.n_clusters;
  plan.least_tiles = w.n_row_tiles / plan.n_clusters;
  plan.more_tiles = w.n_row_tiles % plan.n_clusters;
  plan.group_shift = group_shift(w);
  plan.slice_runs = (w.n_col_tiles / sizes.span + n_slices - 1) / n_slices;
  int least = 0;
  for (plan.k_warps = kResidentWarps; plan.k_warps >= 1; plan.k_warps /= 2) {
    const int steps = resident_steps(plan, sizes);
    const bool fits = resident_layout(plan, task.n_tokens, sizes).size <= n_bytes;
    if (fits && (best.n_clusters == 0 || steps * 6 <= least * 7)) {
      least = best.n_clusters == 0 || steps < least ? steps : least;
      best = plan;
    }
  }
  while (1 << best.slice_shift < best.n_slices) {
    ++best.slice_shift;
  }
  while (1 << best.k_shift < best.k_warps) {
    ++best.k_shift;
  }
  return best;
}

}  // namespace nibble::kernels::cuda
