/// What becomes of a product's sums (Epilogue).
///
/// Source     our own
#pragma once

#include "kernels/cuda/arrange.cuh"
#include "kernels/cuda/common.cuh"
#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

__device__ __forceinline__ bool makes_pairs(const LinearTask& task) {
  return task.epilogue == Epilogue::kGatedSilu || task.epilogue == Epilogue::kGatedGelu;
}

/// Writes one output, or of gated pairs the one that both rows make. An output has one writer, so
/// that the addition needs no order; nobody waits for it.
__device__ __forceinline__ void write_output(
    const LinearTask& task, int token, int row, float sum, float partner) {
  const std::size_t line = static_cast<std::size_t>(token) * task.y_stride;
  switch (task.epilogue) {
    case Epilogue::kHalf:
      static_cast<__half*>(task.y)[line + row] = limited_half(sum);
      break;
    case Epilogue::kAddFloat:
      atomicAdd(static_cast<float*>(task.y) + line + row, sum);
      break;
    case Epilogue::kFloat:
      static_cast<float*>(task.y)[line + row] = sum;
      break;
    case Epilogue::kGatedSilu:
    case Epilogue::kGatedGelu: {
      const float gate = task.epilogue == Epilogue::kGatedSilu ? silu(sum) : gelu_tanh(sum);
      const int col = row / 16 * 8 + row % 8;
      static_cast<__half*>(
          task.y)[task.arranges ? arranged_at(token, col, arranged_tokens(task.n_tokens) / 8)
                                : line + col] = limited_half(gate * partner);
      break;
    }
  }
}

}  // namespace nibble::kernels::cuda
