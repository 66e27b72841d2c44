/// Keys and values of calibration text, layer by layer from the last to the first, with the squares
/// of the loss's gradients: how much each number matters (the diagonal of the Fisher information).
///
/// The text goes forwards through the blocks, what enters each is kept, and gradients come back
/// through them; one block's weights are in memory at a time.
///
/// Shapes     k (behind head norms, before RoPE), v and their squares [tokens, n_kv_heads *
///            head_dim]
/// Precision  float32
/// Errors     those of loading weights; kUnsupported where rotations run with the model;
///            kOutOfMemory before work begins; kCancelled
/// Source     Hooper et al. 2024 (KVQuant), arXiv 2401.18079, section 3.4
#pragma once

#include <functional>

#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "quant/calibrate/windows.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

struct KvWithGradients {
  std::size_t layer;
  MatrixView<const float> k, v;
  MatrixView<const float> k_square, v_square;
};

/// Calls `see` for each layer. The loss is the sum over windows and tokens, in nats; returned as
/// its mean over predictions.
double for_each_layer_backwards(const io::Checkpoint& checkpoint,
                                const model::ModelConfig& config,
                                const CalibrationWindows& windows,
                                ThreadPool& pool,
                                const std::function<void(const KvWithGradients&)>& see);

}  // namespace nibble::quant
