/// ModelConfig from and to the config.json of a Hugging Face folder.
///
/// Both spellings of the RoPE settings are read: `rope_theta` with `rope_scaling`, and
/// `rope_parameters` (Transformers 5). A multimodal Gemma 3 file nests its decoder in
/// `text_config`, where keys with Transformers' defaults may be missing.
///
/// Errors     kCorruptData names the key; kUnsupported names the feature (YaRN, experts, biases of
///            a llama, …)
/// Source     configuration classes of the Transformers library
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "model/config.h"

namespace nibble::model {

/// `where` (a path) heads the messages.
Result<ModelConfig> read_hf_config(const Json& config_json, const std::string& where);

/// A config.json that `read_hf_config` reads back as the same configuration and the Transformers
/// library understands, for writing a model that came from another container. RoPE factors of a
/// GGUF have no such form: they become
/// {"rope_type": "factors"}, which only nibble reads.
Json write_hf_config(const ModelConfig& config);

}  // namespace nibble::model
