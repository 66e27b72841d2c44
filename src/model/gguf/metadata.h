/// The metadata of a GGUF file that holds a model: what `read_config` and the tokenizer's reader
/// take from one, and what llama.cpp wants beside.
///
///   general.*                the family and a name
///   FAMILY.*                 the configuration
///   tokenizer.ggml.*         from a GGUF source as it was; from tokenizer.nibble.json; from
///                            tokenizer.model; from tokenizer.json where that is byte-level BPE
///   tokenizer.chat_template
///
/// Errors     kUnsupported for a tokenizer that GGUF cannot describe, or that the description would
///            change (a text is encoded by both)
/// Source     the keys that llama.cpp reads; docs/formats/gguf.md
#pragma once

#include <optional>
#include <string>

#include "io/gguf/writer.h"
#include "model/config.h"

namespace nibble::model {

/// Everything but the tokenizer, in the order of the file.
io::GgufPairs gguf_config_pairs(const ModelConfig& config);

/// The divisors of the rotation, one a pair of a head, for the tensor rope_freqs.weight; nothing
/// where the keys say it all.
std::optional<std::vector<float>> gguf_rope_factors(const ModelConfig& config);

/// No pairs where the checkpoint has no tokenizer.
Result<io::GgufPairs> gguf_tokenizer_pairs(const io::Checkpoint& checkpoint,
                                           const ModelConfig& config);

}  // namespace nibble::model
