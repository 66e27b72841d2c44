/// The kernels of AWQ's two searches, and rounding to nearest codes, on a CUDA device, as a table
/// of functions; see kernels.h.
///
/// Layout     matrices are row-major without gaps; groups are runs of neighbours along a row, as
///            GroupedMatrix of quantize.h has them; its codes and parameters may be absent where
///            only its shape counts
/// Precision  float32 with each operation rounded as the host rounds it; sums in float64, in an
///            order that depends on the shape alone
/// Threads    one host thread a device
/// Source     quant/transform/awq_scale.h, quant/transform/awq_clip.h and quant/solve/nearest.h
#pragma once

#include "kernels/cuda/quantize.h"

namespace nibble::kernels::cuda {

/// y = Q(w s) / s, or Q(w) where there is no s.
struct RoundTask {
  GroupedMatrix groups;
  GridRule rule;
  const float* w = nullptr;        ///< [rows][cols]
  const float* factors = nullptr;  ///< [cols] or nullptr
  float* y = nullptr;              ///< [rows][cols]
};

/// The limits of the groups of one layer, one candidate after the other.
struct ClipTask {
  GroupedMatrix groups;
  GridRule rule;
  const float* w = nullptr;         ///< [rows][cols]
  float* differences = nullptr;     ///< [rows][cols], Q(clamp(w)) - w
  const float* products = nullptr;  ///< [rows][cols], differences times the group's moment
  float* tried = nullptr;           ///< [rows][n_groups]
  float* limits = nullptr;          ///< [rows][n_groups], the best so far
  double* least = nullptr;          ///< [rows][n_groups], its error
};

/// Two matrices whose rows lie `stride` floats apart.
struct PairTask {
  const float* a = nullptr;
  const float* b = nullptr;
  int a_stride = 0, b_stride = 0;
  int rows = 0, cols = 0;
  double* parts = nullptr;  ///< kPairParts
  double* sum = nullptr;    ///< one; added to
};
inline constexpr int kPairParts = 1024;

struct AwqKernels {
  /// y = w * factors by column; y may be w.
  void (*multiply_columns)(
      const float* w, const float* factors, float* y, int rows, int cols, Stream);
  /// w /= factors by row.
  void (*divide_rows)(float* w, const float* factors, int rows, int cols, Stream);
  void (*round)(const RoundTask&, Stream);
  /// Grids and nearest codes.
  void (*nearest)(const GroupedMatrix& out, GridRule rule, const float* w, Stream);
  /// y = x - y
  void (*subtract_from)(const float* x, float* y, std::size_t n, Stream);
  /// sums[c] += |x[t][c]| over the tokens; x half [n_tokens][cols].
  void (*add_sizes)(const void* x, int n_tokens, int cols, double* sums, Stream);
  /// sums[c] += |w| / (the largest |w| of its group + 1e-6) over the rows; `widest` is float
  /// [rows][n_groups] to work in.
  void (*add_relative_sizes)(
      const GroupedMatrix& groups, const float* w, float* widest, double* sums, Stream);
  void (*add_squared_distance)(const PairTask&, Stream);  ///< sum of (a - b)^2
  void (*add_dot)(const PairTask&, Stream);               ///< sum of a b
  /// Tries the limit `share` of the group's largest |w|.
  void (*clip_differences)(const ClipTask&, float share, Stream);
  /// Keeps what was tried where its error is the least; all of it the first time.
  void (*clip_judge)(const ClipTask&, bool is_first, Stream);
  void (*clip)(const GroupedMatrix& groups, const float* limits, float* w, Stream);
  /// Copies the upper triangle of [n][n] to the lower one.
  void (*mirror)(float* a, int n, Stream);
};

/// nullptr in a build without CUDA.
const AwqKernels* awq_kernels() noexcept;

}  // namespace nibble::kernels::cuda
