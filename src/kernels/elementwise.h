/// One row of the small operations between matrix products, as each instruction set provides them.
///
/// Requires   n > 0; rows contiguous, no alignment
/// Precision  relative error below 1e-6 of the row's norm
/// Threads    reentrant; one row a call
/// Errors     none; ops/elementwise.h and ops/rope.h validate
/// Source     our own
#pragma once

#include <cstddef>

namespace nibble::kernels {

struct ElementwiseKernels {
  /// y = x / sqrt(mean(x^2) + epsilon) * weight; x and y may be the same.
  void (*rms_norm)(
      const float* x, const float* weight, float epsilon, float* y, std::size_t n) noexcept;
  /// y = (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias; x and y may be the same.
  void (*layer_norm)(const float* x,
                     const float* weight,
                     const float* bias,
                     float epsilon,
                     float* y,
                     std::size_t n) noexcept;
  /// y += x.
  void (*add)(const float* x, float* y, std::size_t n) noexcept;
  /// gate = gate / (1 + exp(-gate)) * up.
  void (*gate_silu)(float* gate, const float* up, std::size_t n) noexcept;
  /// gate = gate / 2 * (1 + tanh(sqrt(2 / pi) * (gate + 0.044715 gate^3))) * up.
  void (*gate_gelu)(float* gate, const float* up, std::size_t n) noexcept;
  /// x = x / 2 * (1 + erf(x / sqrt(2))), off by at most 3e-7 |x|.
  void (*gelu)(float* x, std::size_t n) noexcept;
  /// Rotates n pairs (a[i], b[i]) by the angle with that cosine and sine.
  void (*rotate)(
      float* a, float* b, const float* cosine, const float* sine, std::size_t n) noexcept;
  /// log(sum exp(x)), summed in float64.
  double (*log_sum_exp)(const float* x, std::size_t n) noexcept;
  /// Index of the largest element; the first wins ties.
  std::size_t (*argmax)(const float* x, std::size_t n) noexcept;
};

}  // namespace nibble::kernels
