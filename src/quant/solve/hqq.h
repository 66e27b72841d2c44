/// Half-quadratic quantization: the real zero of each group moves until the mean error of the
/// matrix stops falling.
///
///   inverse, zero from the range (nearest.h, real zero); then up to `max_iterations` times
///     code = clamp(round(w * inverse + zero), 0, Q);  value = (code - zero) / inverse
///     e    = shrink(w - value),  shrink(x) = sign(x) * max(|x| - |x|^(p-1) / beta, 0)
///     zero = mean over the group of code - (w - e) * inverse
///     stop when the mean over the matrix of |w - value| is no longer below the best so far
///   code = clamp(round(w * inverse + zero), 0, Q)
///
/// The zero of the last iteration is kept, not that of the best. beta stays constant. shrink leaves
/// nothing of residuals under 0.17, so at the usual size of weights the zero is the least-squares
/// one for the current codes.
///
/// Shapes     w [rows, cols]; groups along cols, the last of a row may be shorter
/// Requires   w is finite; format.zero is kFloat
/// Precision  float32; the means over groups and over the matrix are summed in float64, row by row,
///            and rounded to float32
/// Threads    split by rows over `pool`; the result does not depend on its size
/// Source     Badri and Shaji 2023, "Half-Quadratic Quantization of Large Machine Learning Models";
///            hqq 0.2.8 `optimize_weights_proximal_legacy`
#pragma once

#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "codec/int_group.h"
#include "quant/solver.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

struct HqqSettings {
  bool round_zero = false;  ///< rounds the starting zero; the reference does so at 4 bits
  std::size_t max_iterations = 20;
  float beta = 10.0F;
  float p = 0.7F;
};

struct HqqResult {
  codec::IntGroupCodes codes;
  std::vector<float> mean_errors;  ///< of each iteration run
};

HqqResult hqq(MatrixView<const float> w,
              const codec::IntGroupFormat& format,
              const HqqSettings& settings,
              ThreadPool& pool);

/// The method "hqq". Settings: max_iterations, beta, p as above; round_zero, by default true at 4
/// bits and false elsewhere.
std::unique_ptr<Solver> make_hqq(TomlTable& stage);

}  // namespace nibble::quant
