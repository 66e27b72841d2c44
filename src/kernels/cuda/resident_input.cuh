/// Activations of linear_resident.cuh: from global to shared memory, normalized where that is asked
/// for, and how lanes read them.
///
/// Precision  rms_norm as rows.cu has it, in another order of sums
/// Source     our own
#pragma once

#include "kernels/cuda/resident_ring.cuh"

namespace nibble::kernels::cuda {

/// Activations of a slice as they arrive, and where a lane reads its own: 16 columns of a tile, of
/// one token of each eight.
template <class Shape>
class LaneActivations {
 public:
  __device__ LaneActivations(const ResidentMemory<Shape>& memory,
                             const ResidentRange& range,
                             int n_tokens)
      : barriers_(memory.barriers),
        n_runs_(range.end_run - range.first_run),
        eight_bytes_(8 * memory.token_bytes) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp, token = lane / 4;
    place_ = memory.activations + token * memory.token_bytes + lane % 4 * 32;
    n_eights_ = (n_tokens - token + 7) / 8;
  }

  /// Nothing is on its way any more.
  __device__ void set_complete() { end_ = n_runs_; }
  /// Until the activations of a run are there; runs come in ascending order.
  __device__ void wait(int run) {
    while (run >= end_) {
      wait_for_phase(barriers_ + piece_, 0);
      ++piece_;
      end_ = n_runs_ * piece_ / kPieces;
    }
  }
  /// The column tile `at` bytes behind the first of the slice.
  __device__ void read(int at, std::uint32_t (&b)[Shape::kEights][8]) const {
#pragma unroll
    for (int e = 0; e < Shape::kEights; ++e) {
      uint4 x[2] = {};
      if (e < n_eights_) {
        x[0] = *reinterpret_cast<const uint4*>(place_ + at + e * eight_bytes_);
        x[1] = *reinterpret_cast<const uint4*>(place_ + at + e * eight_bytes_ + 16);
      }
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        b[e][half * 4 + 0] = x[half].x;
        b[e][half * 4 + 1] = x[half].y;
        b[e][half * 4 + 2] = x[half].z;
        b[e][half * 4 + 3] = x[half].w;
      }
    }
  }

 private:
  std::uint64_t* barriers_;
  const char* place_;
  int n_runs_;
  int eight_bytes_;
  int n_eights_;   ///< whose token of this lane is there
  int piece_ = 0;  ///< that is waited for next
  int end_ = 0;    ///< runs before that are there
};

/// Columns [first, end) of a piece of a slice, of those that the matrix has.
template <class Shape>
__device__ __forceinline__ int2 columns_of_piece(const WeightView& w,
                                                 const ResidentRange& range,
                                                 int piece) {
  constexpr int kRunCols = Shape::kSpan * 64;
  const int n_runs = range.end_run - range.first_run;
  const int first = range.first_run + n_runs * piece / kPieces;
  const int end = range.first_run + n_runs * (piece + 1) / kPieces;
  return {first * kRunCols, min(end * kRunCols, w.cols)};
}

/// Before anything is copied: barriers, and zeros behind the last column. One thread makes all
/// barriers: where each of four made its own, the others went past by predicate, and to racecheck
/// that was a write of theirs to whatever place their register held.
template <class Shape>
__device__ __forceinline__ void expect_activations(const LinearTask& task,
                                                   const ResidentRange& range,
                                                   const ResidentMemory<Shape>& memory) {
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) {
#pragma unroll
    for (int piece = 0; piece < kPieces; ++piece) {
      make_barrier(memory.barriers + piece, task.n_tokens);
    }
    publish_barriers();
  }
  const int first_col = range.first_run * Shape::kSpan * 64;
  const int n_cols = task.w.cols - first_col;
  const int n_missing = (range.end_run - range.first_run) * Shape::kSpan * 64 - n_cols;
  if (n_missing > 0 && thread < task.n_tokens) {
    for (int i = 0; i < n_missing; i += 8) {
      *reinterpret_cast<uint4*>(memory.activations + thread * memory.token_bytes +
                                (n_cols + i) * 2) = uint4{0, 0, 0, 0};
    }
  }
}

/// Copies [tokens][columns of the slice] of halves: the copy engine a token of each warp, or lanes.
template <class Shape>
__device__ __forceinline__ void copy_activations(const LinearTask& task,
                                                 const ResidentRange& range,
                                                 const ResidentMemory<Shape>& memory) {
  const int warp = static_cast<int>(threadIdx.x) / kWarp,
            lane = static_cast<int>(threadIdx.x) % kWarp;
  const int first_col = range.first_run * Shape::kSpan * 64;
  for (int token = warp; token < task.n_tokens; token += kResidentWarps) {
    const auto* const line =
        static_cast<const char*>(task.x) + static_cast<std::size_t>(token) * task.x_stride * 2;
    char* const to = memory.activations + token * memory.token_bytes - first_col * 2;
#if NIBBLE_HAS_BULK_COPIES
    if (lane == 0) {
      for (int piece = 0; piece < kPieces; ++piece) {
        const int2 cols = columns_of_piece<Shape>(task.w, range, piece);
        const int n_bytes = max(cols.y - cols.x, 0) * 2;
        expect_bytes(memory.barriers + piece, n_bytes);
        if (n_bytes > 0) {
          copy_bulk(to + cols.x * 2, line + cols.x * 2, n_bytes, memory.barriers + piece);
        }
      }
    }
#else
    const int end_col = columns_of_piece<Shape>(task.w, range, kPieces - 1).y;
    for (int col = first_col + lane * 8; col < end_col; col += kWarp * 8) {
      *reinterpret_cast<uint4*>(to + col * 2) =
          __ldcg(reinterpret_cast<const uint4*>(line + col * 2));
    }
#endif
  }
}

__device__ __forceinline__ float sum_of_lanes(float x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x += __shfl_xor_sync(0xFFFFFFFFU, x, step);
  }
  return x;
}

/// The weights of a norm that a thread multiplies by: kParts pieces of four columns.
template <int kParts>
struct NormWeights {
  float4 pieces[kParts];

  __device__ explicit NormWeights(const float* norm) {
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      pieces[part] = __ldg(reinterpret_cast<const float4*>(norm) + part * kResidentWarps * kWarp +
                           threadIdx.x);
    }
  }
};

/// Normalizes [tokens][columns] of floats, kParts * kNormPart columns, into halves, two tokens at a
/// time; each thread holds what it read until the sums of squares are there.
template <class Shape, int kParts>
__device__ __forceinline__ void normalize_activations(const LinearTask& task,
                                                      const NormWeights<kParts>& norm,
                                                      const ResidentMemory<Shape>& memory) {
  constexpr int kThreads = kResidentWarps * kWarp, kAtOnce = 2;
  const int thread = static_cast<int>(threadIdx.x), warp = thread / kWarp;
  for (int first = 0; first < task.n_tokens; first += kAtOnce) {
    float4 x[kAtOnce][kParts];
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const auto* const line = reinterpret_cast<const float4*>(
          static_cast<const float*>(task.x) + static_cast<std::size_t>(first + i) * task.x_stride);
#pragma unroll
      for (int part = 0; part < kParts; ++part) {
        x[i][part] = first + i < task.n_tokens ? __ldcg(line + part * kThreads + thread) : float4{};
      }
    }
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      float squares = 0.0F;
#pragma unroll
      for (int part = 0; part < kParts; ++part) {
        const float4& v = x[i][part];
        squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
      }
      squares = sum_of_lanes(squares);
      if (thread % kWarp == 0) {
        memory.squares[(first + i) * kResidentWarps + warp] = squares;
      }
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int token = first + i;
      if (token >= task.n_tokens) {
        continue;
      }
      float squares = 0.0F;
#pragma unroll
      for (int other = 0; other < kResidentWarps; ++other) {
        squares += memory.squares[token * kResidentWarps + other];
      }
      const float factor = rsqrtf(squares / static_cast<float>(kParts * kNormPart) + task.epsilon);
#pragma unroll
      for (int part = 0; part < kParts; ++part) {
        const float4 v = x[i][part], n = norm.pieces[part];
        const int col = (part * kThreads + thread) * 4;
        char* const to = memory.activations + token * memory.token_bytes + col * 2;
        *reinterpret_cast<uint2*>(to) = uint2{pack_halves(v.x * factor * n.x, v.y * factor * n.y),
                                              pack_halves(v.z * factor * n.z, v.w * factor * n.w)};
      }
    }
  }
}

}  // namespace nibble::kernels::cuda
