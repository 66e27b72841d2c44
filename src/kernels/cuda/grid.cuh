/// The grid of a group and the codes on it, each operation rounded as quant/solve/nearest.cc and
/// rounding.h round it.
///
/// Source     quant/solve/nearest.h
#pragma once

#include <cfloat>

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/quantize.h"

namespace nibble::kernels::cuda {

inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

struct RangeOfGroup {
  float low = FLT_MAX;
  float high = -FLT_MAX;

  __device__ void take(float x) {
    low = fminf(low, x);
    high = fmaxf(high, x);
  }
  /// The range of all lanes, in each of them.
  __device__ void join_lanes() {
#pragma unroll
    for (int step = kWarp / 2; step > 0; step /= 2) {
      low = fminf(low, __shfl_xor_sync(kAllLanes, low, step));
      high = fmaxf(high, __shfl_xor_sync(kAllLanes, high, step));
    }
  }
};

__device__ __forceinline__ double sum_of_lanes(double x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x += __shfl_xor_sync(kAllLanes, x, step);
  }
  return x;
}

/// Over a block of kThreads, warp after warp; in each of them.
template <int kThreads>
__device__ double sum_of_threads(double x) {
  constexpr int kWarps = kThreads / kWarp;
  __shared__ double parts[kWarps];
  x = sum_of_lanes(x);
  if (threadIdx.x % kWarp == 0) {
    parts[threadIdx.x / kWarp] = x;
  }
  __syncthreads();
  double sum = 0;
  for (int i = 0; i < kWarps; ++i) {
    sum += parts[i];
  }
  return sum;
}

/// codec::stored_parameter
__device__ __forceinline__ float stored_parameter(float x, bool is_half) {
  constexpr float kLargest = 65504.0F;
  return is_half ? __half2float(__float2half_rn(fminf(fmaxf(x, -kLargest), kLargest))) : x;
}

/// A scale must not vanish, because weights are divided by it.
__device__ __forceinline__ float stored_scale(float scale, bool is_half) {
  return fmaxf(stored_parameter(scale, is_half), is_half ? 0x1p-24F : 0x1p-149F);
}

__device__ __forceinline__ float limited(float x, float low, float high) {
  return fminf(fmaxf(x, low), high);
}

/// rounding.h: nearest_code
__device__ __forceinline__ float nearest_code(float x, float max_code) {
  return rintf(limited(x, 0.0F, max_code));
}

struct GridOfGroup {
  float scale, zero;
};

/// quant::integer_grid for the rules minmax and raw.
__device__ __forceinline__ GridOfGroup integer_grid(RangeOfGroup range,
                                                    GridRule rule,
                                                    int bits,
                                                    bool is_half) {
  const auto max_code = static_cast<float>((1 << bits) - 1);
  const auto middle = static_cast<float>(1 << (bits - 1));
  if (!rule.is_raw) {
    range.low = fminf(range.low, 0.0F);
    range.high = fmaxf(range.high, 0.0F);
    if (range.high - range.low <= 0.0F) {
      range.low = -1.0F;  // a group of zeros
      range.high = 1.0F;
    }
  }
  if (rule.is_symmetric) {
    const float widest = fmaxf(fabsf(range.low), range.high);
    const float low = range.low < 0.0F ? -widest : range.low;
    const float scale = rule.is_raw ? __fdiv_rn(fmaxf(widest, 1e-5F), middle - 1.0F)
                                    : __fdiv_rn(__fsub_rn(widest, low), max_code);
    return {stored_scale(scale, is_half), middle};
  }
  float span = __fsub_rn(range.high, range.low);
  span = rule.is_raw ? fmaxf(span, 1e-5F) : span;
  const float scale = stored_scale(__fdiv_rn(span, max_code), is_half);
  return {scale, nearest_code(__fdiv_rn(-range.low, scale), max_code)};
}

/// Group of an input.
__device__ __forceinline__ int group_of(const GroupedMatrix& m, int c) {
  return m.group_of == nullptr ? c / m.group : static_cast<int>(m.group_of[c]);
}

/// What a code stands for.
__device__ __forceinline__ float value_of(float code, float scale, float zero) {
  return __fmul_rn(scale, __fsub_rn(code, zero));
}

}  // namespace nibble::kernels::cuda
