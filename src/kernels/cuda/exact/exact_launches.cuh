/// What the files of `f32` arithmetic share: pages of floats, and launches that exact_kernels()
/// lists.
#pragma once

#include "kernels/cuda/common.cuh"
#include "kernels/cuda/exact/exact.h"

namespace nibble::kernels::cuda {

void exact_attention(const AttentionTask& task, Stream stream);
void exact_sum_masses(const MassTask& task, Stream stream);

__device__ __forceinline__ float sum_of_warp(float x) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    x += __shfl_xor_sync(0xFFFFFFFFU, x, step);
  }
  return x;
}

/// Where a head of the token at `position` of the sequence of row `token` lies in its page.
__device__ __forceinline__ float* exact_slot(const BatchView& batch,
                                             const KvShape& shape,
                                             int token,
                                             int position,
                                             int kv_head,
                                             bool is_value) {
  const std::uint64_t page =
      batch.pages[batch.first_page[batch.sequence_of[token]] + position / shape.page_tokens];
  const std::size_t head =
      (static_cast<std::size_t>(shape.layer) * 2 + (is_value ? 1 : 0)) * shape.n_kv_heads + kv_head;
  return reinterpret_cast<float*>(page) +
         (head * shape.page_tokens + position % shape.page_tokens) * shape.head_dim;
}

}  // namespace nibble::kernels::cuda
