/// The small operations between matrix products. All work on rows of packed tokens, in float32.
///
/// Precision  f32-accurate: relative error below 1e-6 of the row's norm, whatever the instruction
///            set
/// Threads    split over rows; reentrant for distinct outputs
/// Errors     kShapeMismatch when shapes disagree
/// Source     RMSNorm: Zhang and Sennrich 2019, arXiv 1910.07467; SwiGLU: Shazeer 2020, arXiv
///            2002.05202
#pragma once

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

/// y = x / sqrt(mean(x^2) + epsilon) * weight, for each row; x and y may be the same.
void rms_norm(MatrixView<const float> x,
              std::span<const float> weight,
              float epsilon,
              MatrixView<float> y,
              ThreadPool& pool);

/// y += x.
void add_in_place(MatrixView<const float> x, MatrixView<float> y, ThreadPool& pool);

enum class GateActivation : std::uint8_t { kSilu, kGeluTanh };
/// gate = activation(gate) * up.
void gate_in_place(GateActivation activation,
                   MatrixView<float> gate,
                   MatrixView<const float> up,
                   ThreadPool& pool);

/// Index of the largest element; the first wins ties.
std::int32_t argmax(std::span<const float> x) noexcept;

}  // namespace nibble::ops
