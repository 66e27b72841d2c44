/// The kernels of AutoRound on a CUDA device, as a table of functions; see kernels.h: the rounding
/// that is tuned, and the backward pass of a decoder block with its matrix products.
///
/// Layout     matrices are row-major; what a product reads is half; the tokens of a pass are whole
///            windows, one behind the other. Heads of some windows lie by unit, which is one
///            key/value head of one window: [window][kv_head]
/// Precision  rounding: float32 with each operation rounded as the host rounds it, but for sums
///            over groups, whose order is another. The backward pass: float32 between halves
/// Threads    one host thread a device
/// Errors     functions that return text return nullptr or what the library says
/// Source     quant/solve/rounding_tuner.h and quant/gradient/*.h; cuBLAS
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/quantize.h"

namespace nibble::kernels::cuda {

/// A step of one matrix by the signs of its gradient, or with neither sizes nor gradient none.
struct RoundingTask {
  GroupedMatrix best;  ///< the shape; with `keeps` its codes and parameters become those of now
  bool is_symmetric = false;
  const float* w = nullptr;         ///< [rows][cols]
  float* offsets = nullptr;         ///< [rows][cols]
  float* low_factors = nullptr;     ///< [rows][n_groups]
  float* high_factors = nullptr;    ///< [rows][n_groups]
  const float* gradient = nullptr;  ///< of decoded values, rows by place, or nullptr
  void* decoded = nullptr;          ///< half, rows by place: the values behind the step; or nullptr
  int first = 0, turn = 0;          ///< places of rows, as narrow_rows of quantize.h has them
  float rounding = 0, range = 0;    ///< sizes of the step
  bool keeps = false;
};

/// c = factor op(a) op(b), or c += that, `n` times with so many elements from one to the next;
/// strides in elements between rows.
struct HalfProduct {
  const void* a = nullptr;  ///< half [rows][k], or [k][rows] where it is transposed
  const void* b = nullptr;  ///< half [k][cols], or [cols][k]
  void* c = nullptr;        ///< [rows][cols]
  int a_stride = 0, b_stride = 0, c_stride = 0;
  bool a_transposed = false, b_transposed = false;
  int rows = 0, k = 0, cols = 0;
  float factor = 1;
  bool float_out = false;  ///< c is float, else half
  bool adds = false;
  int n = 1;
  std::int64_t a_next = 0, b_next = 0, c_next = 0;
};

/// y = half(d + gradient at the input of rms_norm(x, weight) for that of its output).
struct NormBackwardTask {
  const float* x = nullptr;         ///< [rows][width]
  const float* weight = nullptr;    ///< [width]
  const float* d_normed = nullptr;  ///< [rows][width]
  const float* d = nullptr;         ///< [rows][width]
  void* y = nullptr;                ///< half [rows][width]
  int n_rows = 0, width = 0;
  float epsilon = 0;
};

/// What attention read and the gradient of what it wrote, from tokens to units.
struct SplitTask {
  BatchView batch;
  KvShape shape;
  int window = 0, first_window = 0, n_windows = 0;
  const void* qkv = nullptr;         ///< half, as rope_store leaves it; keys and values in pages
  const void* d_attended = nullptr;  ///< half [tokens][n_heads * head_dim]
  void* q = nullptr;                 ///< half [unit][token][head of the group][head_dim]
  void* d = nullptr;                 ///< the same of d_attended
  void* k = nullptr;                 ///< half [unit][token][head_dim]
  void* v = nullptr;
};

/// For queries first … first + n_queries - 1 of each unit:
///   p = softmax(scores);   d = p (d - sum over keys of p d)
struct SoftmaxBackwardTask {
  const float* scores = nullptr;  ///< [unit][query][head of the group][stride], scaled
  void* d = nullptr;              ///< half likewise: the gradient of p, then that of the scores
  void* p = nullptr;              ///< half likewise
  int n_units = 0, group = 0;
  int first = 0, n_queries = 0, n_keys = 0;
  int stride = 0;  ///< a multiple of 8
  int window = 0;  ///< keys that a query sees; 0: all before it
};

/// Gradients of rotated queries, rotated keys and values, from units to those of the product that
/// made them: turned back, and through the norms of heads.
struct JoinTask {
  KvShape shape;
  int window = 0, first_window = 0, n_windows = 0;
  const float* d_q = nullptr;  ///< as SplitTask has q, k and v
  const float* d_k = nullptr;
  const float* d_v = nullptr;
  void* d_qkv = nullptr;  ///< half [tokens][(n_heads + 2 n_kv_heads) * head_dim]
  const float* inverse_frequency = nullptr;
  const float* q_norm = nullptr;  ///< [head_dim] or nullptr
  const float* k_norm = nullptr;
  const void* raw = nullptr;    ///< with norms: what the product made, half as d_qkv
  const float* bias = nullptr;  ///< of the columns of `raw`, or nullptr
  float epsilon = 0;
};

inline constexpr int kLossParts = 1024;

struct AutoroundKernels {
  void (*round_step)(const RoundingTask&, Stream);
  /// sums[0] += sum of x^2, sums[1] = the largest |x| so far; kLossParts pairs of `parts` are
  /// overwritten.
  void (*add_loss)(const float* x, std::size_t n, double* parts, double* sums, Stream);
  /// x *= factor, and its halves.
  void (*scale)(float* x, float factor, void* halves, std::size_t n, Stream);
  /// Replaces gates and what they let through, [tokens][2 n] halves in turns of 8, by their
  /// gradients for those of the gated values, half [tokens][n].
  void (*gate_backward)(void* both, const void* d_gated, int n, int n_tokens, bool gelu, Stream);
  void (*norm_backward)(const NormBackwardTask&, Stream);
  void (*split_heads)(const SplitTask&, Stream);
  void (*softmax_backward)(const SoftmaxBackwardTask&, Stream);
  void (*join_heads)(const JoinTask&, Stream);
  const char* (*multiply)(const HalfProduct&, Stream);
};

/// nullptr in a build without CUDA.
const AutoroundKernels* autoround_kernels() noexcept;

}  // namespace nibble::kernels::cuda
