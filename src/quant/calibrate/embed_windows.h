/// The calibration tokens as they enter the first decoder block.
///
/// Errors     those of loading the embedding
/// Source     our own
#pragma once

#include "io/checkpoint.h"
#include "model/config.h"
#include "quant/calibrate/block_tokens.h"
#include "quant/calibrate/windows.h"

namespace nibble::quant {

BlockTokens embed_windows(const io::Checkpoint& checkpoint,
                          const model::ModelConfig& config,
                          const CalibrationWindows& windows);

}  // namespace nibble::quant
