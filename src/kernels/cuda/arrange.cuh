/// Activations as linear_wide.cuh multiplies them: [64 columns][8 tokens][128 bytes], each kilobyte
/// what a warpgroup reads of 8 tokens (wgmma.cuh), its columns in the order in which the lanes of
/// packed weights hold theirs (kernels/fragments.h): place 16 s + 8 h + 2 j + e of 64 is column
/// 16 j + 4 s + 2 h + e.
///
/// Source     our own
#pragma once

#include "kernels/cuda/common.cuh"

namespace nibble::kernels::cuda {

/// Tokens of an arrangement, whole eights.
__host__ __device__ constexpr int arranged_tokens(int n_tokens) {
  return (n_tokens + 7) / 8 * 8;
}

/// The place of one value, in halves.
__device__ __forceinline__ std::size_t arranged_at(int token, int col, int n_eights) {
  const int chunk = col % 16 / 4 * 2 + col % 4 / 2;
  const std::size_t line =
      (static_cast<std::size_t>(col / 64) * n_eights + token / 8) * 8 + token % 8;
  return line * 64 + (chunk ^ token % 8) * 8 + col % 64 / 16 * 2 + col % 2;
}

/// A thread makes 16 bytes: places [8 chunk, 8 chunk + 8) of a token and 64 columns.
static __global__ void __launch_bounds__(256)
    arrange_kernel(const __half* x, int x_stride, int n_tokens, int cols, uint4* out) {
  follow_earlier_kernels();
  const int n_eights = arranged_tokens(n_tokens) / 8;
  const int at = static_cast<int>(blockIdx.x) * 256 + static_cast<int>(threadIdx.x);
  const int token = at / 8 % (n_eights * 8), col_tile = at / 8 / (n_eights * 8);
  if (col_tile * 64 >= cols) {
    return;
  }
  const int chunk = at % 8 ^ token % 8;  // what lies at this place
  std::uint32_t words[4] = {};
  if (token < n_tokens) {
    const auto* const from = reinterpret_cast<const std::uint32_t*>(
        x + static_cast<std::size_t>(token) * x_stride + col_tile * 64 + chunk * 2);
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      words[j] = __ldcg(from + j * 8);
    }
  }
  out[at] = uint4{words[0], words[1], words[2], words[3]};
}

}  // namespace nibble::kernels::cuda
