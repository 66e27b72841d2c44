/// Least squares: scale and real zero of each group that code it with the least square error, found
/// by turns with the codes (Lloyd's iteration on an even grid).
///
///   scale, zero from the range (rounding.h); then up to `max_iterations` times
///     code = clamp(round(w / scale + zero), 0, Q)
///     scale, zero = argmin sum_i h_i (w_i - scale (code_i - zero))^2
///     stop when the error no longer falls; the best grid is kept
///
/// h is 1, or the mean square of each input on calibration text.
///
/// Shapes     w [rows, cols]; importance [cols] or empty; groups along cols, the last of a row may
///            be shorter
/// Requires   w is finite; format.zero is kFloat
/// Precision  sums over a group in float64; grids as they are stored decide the last codes
/// Threads    split by rows over `pool`; the result does not depend on its size
/// Source     Lloyd 1982 (Least squares quantization in PCM), with an affine fit in place of free
///            levels, as ggml's K types do for their scales and minimums
#pragma once

#include <memory>
#include <span>

#include "base/thread_pool.h"
#include "codec/int_group.h"
#include "quant/solver.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

codec::IntGroupCodes least_squares(MatrixView<const float> w,
                                   std::span<const float> importance,
                                   const codec::IntGroupFormat& format,
                                   std::size_t max_iterations,
                                   ThreadPool& pool);

/// The method "least_squares". Settings: max_iterations (20); importance "none" or "mean_square".
std::unique_ptr<Solver> make_least_squares(TomlTable& stage);

}  // namespace nibble::quant
