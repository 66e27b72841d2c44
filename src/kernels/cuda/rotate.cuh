/// What happens to a head of queries or keys before it is asked or kept: bias, norm, RoPE.
///
/// A lane holds the columns that it multiplies (attention_tile.cuh): 16 of each 64, those from
/// 16 * (lane % 4) on, so that four lanes hold a head and RoPE's pairs (i, i + dim / 2) lie in one
/// lane (heads of 128) or in lanes two apart (of 64).
///
/// Precision  float32, rounded to binary16 at the end
/// Source     Su et al. 2021, arXiv 2104.09864; modeling_llama.py of the Transformers library
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

/// Cosines and sines of a position in shared memory, one thread each: [16][32 kBlocks / 16] pairs,
/// so that lanes of different columns meet different banks.
template <int kBlocks>
__device__ __forceinline__ void make_angles(float position,
                                            const float* inverse_frequency,
                                            float2* angles) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < kBlocks * 32) {
    float2 angle;
    sincosf(position * __ldg(inverse_frequency + i), &angle.y, &angle.x);
    angles[i % 16 * (kBlocks * 2) + i / 16] = angle;
  }
}

/// A lane's columns of one head: [block][half][8 halves].
template <int kBlocks>
struct LaneHead {
  uint4 words[kBlocks][2];

  /// `head` is where the head begins; the lane reads its own columns, or holds zeros.
  __device__ void read(const __half* head, bool is_there) {
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      const auto* const from =
          reinterpret_cast<const uint4*>(head + block * 64 + threadIdx.x % 4 * 16);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        words[block][half] = is_there ? __ldcg(from + half) : uint4{0, 0, 0, 0};
      }
    }
  }

  __device__ void to_floats(float (&x)[kBlocks][16]) const {
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        const auto* const pairs = reinterpret_cast<const __half2*>(&words[block][i / 8]);
        const float2 both = __half22float2(pairs[i % 8 / 2]);
        x[block][i] = i % 2 == 0 ? both.x : both.y;
      }
    }
  }
  __device__ void from_floats(const float (&x)[kBlocks][16]) {
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float* const v = x[block] + half * 8;
        words[block][half] = uint4{pack_halves(v[0], v[1]),
                                   pack_halves(v[2], v[3]),
                                   pack_halves(v[4], v[5]),
                                   pack_halves(v[6], v[7])};
      }
    }
  }

  /// Adds what `values` holds for this head, or nothing.
  __device__ static void add(float (&x)[kBlocks][16], const float* values) {
    if (values != nullptr) {
#pragma unroll
      for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
        for (int i = 0; i < 16; ++i) {
          x[block][i] += __ldg(values + block * 64 + threadIdx.x % 4 * 16 + i);
        }
      }
    }
  }
};

/// x = norm * x / rms(x) over the head; all four lanes of it together.
template <int kBlocks>
__device__ __forceinline__ void normalize_head(float (&x)[kBlocks][16],
                                               const float* norm,
                                               float epsilon) {
  float squares = 0.0F;
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      squares += x[block][i] * x[block][i];
    }
  }
  squares += __shfl_xor_sync(0xFFFFFFFFU, squares, 1);
  squares += __shfl_xor_sync(0xFFFFFFFFU, squares, 2);
  const float factor = rsqrtf(squares / static_cast<float>(kBlocks * 64) + epsilon);
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      x[block][i] *= factor * __ldg(norm + block * 64 + threadIdx.x % 4 * 16 + i);
    }
  }
}

/// Turns the pairs of a head; all lanes of a warp together.
template <int kBlocks>
__device__ __forceinline__ void turn_head(float (&x)[kBlocks][16], const float2* angles) {
  // Of heads of 64, the lanes of columns 32 to 63 turn with those of 0 to 31.
  const float2* const own = angles + threadIdx.x % (kBlocks * 2);
#pragma unroll
  for (int i = 0; i < 16; ++i) {
    const float cosine = own[i * (kBlocks * 2)].x, sine = own[i * (kBlocks * 2)].y;
    if constexpr (kBlocks == 2) {
      const float low = x[0][i], high = x[1][i];
      x[0][i] = low * cosine - high * sine;
      x[1][i] = high * cosine + low * sine;
    } else {
      const float other = __shfl_xor_sync(0xFFFFFFFFU, x[0][i], 2);
      const float turned = threadIdx.x % 4 < 2 ? -other : other;
      x[0][i] = x[0][i] * cosine + turned * sine;
    }
  }
}

}  // namespace nibble::kernels::cuda
