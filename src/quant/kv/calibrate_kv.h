/// The tables of a whole model: calibration text goes through its blocks, one in memory at a time,
/// and each layer's keys (before RoPE) and values are fitted, all numbers alike or weighed by the
/// squares of the loss's gradients (kv_gradients.h).
///
/// Precision  the model's own weights in float32
/// Errors     those of loading weights and of fit_tables.h, with the layer; kCancelled
/// Source     our own
#pragma once

#include "base/progress.h"
#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/kv_setup.h"
#include "quant/calibrate/block_tokens.h"
#include "quant/calibrate/windows.h"

namespace nibble::quant {

enum class KvWeighing : std::uint8_t { kAlike, kGradients };

model::KvTableList calibrate_kv(const io::Checkpoint& checkpoint,
                                const model::ModelConfig& config,
                                const CalibrationWindows& windows,
                                const codec::KvScheme& scheme,
                                KvWeighing weighing,
                                ThreadPool& pool);

}  // namespace nibble::quant
