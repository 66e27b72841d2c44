/// How much of a device a model takes, before any of its weights is read.
///
/// Weights are counted from the checkpoint's header as kernels/fragments.h will pack them, each
/// from above. Cache and work are those of passes of up to kPlannedRows tokens; more tokens need
/// more, and an allocation that finds nothing says so.
///
/// Units      bytes
/// Errors     those of find_weight; kShapeMismatch names the weight and both shapes
/// Source     our own; model/device/buffers.h and ops/device/linear.h are what is counted
#pragma once

#include <cstddef>

#include "base/arithmetic.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "model/device/stream_plan.h"

namespace nibble::model {

/// Tokens of a pass, and of a sequence; of sequences there is room for two.
inline constexpr std::size_t kPlannedRows = 2048;

/// Throws Error.
DeviceNeeds device_needs(const io::Checkpoint& checkpoint,
                         const ModelConfig& config,
                         Arithmetic arithmetic);

/// Keys and values of two sequences in binary16.
std::size_t planned_cache_bytes(const ModelConfig& config);
/// What passes allocate beside weights and cache, with some room for what the driver loads.
std::size_t planned_work_bytes(const ModelConfig& config, Arithmetic arithmetic);

}  // namespace nibble::model
