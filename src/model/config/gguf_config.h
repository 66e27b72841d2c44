/// ModelConfig from the metadata of a GGUF file ("llama.block_count", …) and the shapes of its
/// tensors.
///
/// Errors     kCorruptData names the key; kUnsupported names the architecture or the feature
/// Source     GGUF key names as in docs/formats/gguf.md
#pragma once

#include "base/result.h"
#include "io/checkpoint.h"
#include "model/config.h"

namespace nibble::model {

Result<ModelConfig> read_gguf_config(const io::Checkpoint& checkpoint);

}  // namespace nibble::model
