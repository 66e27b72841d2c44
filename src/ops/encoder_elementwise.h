/// The small operations of encoders between matrix products. On rows of packed tokens, in float32.
///
/// Precision  layer_norm: error below 1e-6 of the row's norm; gelu: below 3e-7 |x|, whatever the
///            instruction set
/// Threads    split over rows; reentrant for distinct outputs
/// Errors     kShapeMismatch when shapes disagree
/// Source     LayerNorm: Ba et al. 2016, arXiv 1607.06450; GELU: Hendrycks and Gimpel 2016, arXiv
///            1606.08415
#pragma once

#include <span>

#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, for each row; x and y may be the
/// same.
void layer_norm(MatrixView<const float> x,
                std::span<const float> weight,
                std::span<const float> bias,
                float epsilon,
                MatrixView<float> y,
                ThreadPool& pool);

/// x = x / 2 * (1 + erf(x / sqrt(2))).
void gelu_in_place(MatrixView<float> x, ThreadPool& pool);

}  // namespace nibble::ops
