/// Kernels of `f32` arithmetic on a CUDA device: float32 from the embedding to the logits, one
/// plain kernel a step. Norms and the choice of rows are those of kernels.h, with float outputs.
///
/// Layout     activations float [tokens][width], contiguous; weights float [rows][cols]; pages as
///            kernels.h has them, of floats: so are `qkv` and `out` of its tasks here
/// Precision  products and sums are float32: runs of 64 columns, added in order. What a row gives
///            does not depend on the rows beside it
/// Threads    one host thread a device
/// Source     our own; docs/decisions/0043-f32-on-a-device.md
#pragma once

#include "kernels/cuda/mass.h"

namespace nibble::kernels::cuda {

/// y = x w^T, or y += x w^T.
struct ExactProduct {
  const float* w = nullptr;
  const float* x = nullptr;  ///< [n_tokens][cols]
  float* y = nullptr;        ///< [n_tokens][rows]
  int rows = 0, cols = 0, n_tokens = 0;
  bool adds = false;
};

struct ExactKernels {
  void (*multiply)(const ExactProduct&, Stream);
  /// y = gate(x[t, i]) * x[t, n + i] of [n_tokens][2 n].
  void (*gate)(const float* x, float* y, int n, int n_tokens, bool gelu, Stream);
  void (*rope_store)(const RopeTask&, Stream);
  /// One query head of one token a block; tiles and splits of the task are not read.
  void (*attention)(const AttentionTask&, Stream);
  /// Of queries that `rope_store` has turned.
  SumMasses sum_masses;
};

/// nullptr in a build without CUDA.
const ExactKernels* exact_kernels() noexcept;

}  // namespace nibble::kernels::cuda
