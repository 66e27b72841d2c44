/// Canonical weight names (those of Hugging Face) and what each container calls the same weight.
///
/// Source     our own; GGUF names as in docs/formats/gguf.md
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"

namespace nibble::model {

/// "model.layers.3.self_attn.q_proj.weight" taken apart.
struct CanonicalName {
  int layer = -1;         ///< -1 outside the decoder blocks
  std::string_view stem;  ///< "self_attn.q_proj" in a block; "model.norm" outside
  std::string_view kind;  ///< "weight" or "bias"
};

/// nullopt for a name that is not of this form.
std::optional<CanonicalName> parse_canonical(std::string_view name);

/// "blk.3.attn_q.weight"; nullopt for what a GGUF has no name for.
std::optional<std::string> gguf_name(const ModelConfig& config, std::string_view canonical_name);

/// The spellings under which Hugging Face folders keep the weight, the usual one first; multimodal
/// files put their decoder behind a prefix.
std::vector<std::string> hf_names(std::string_view canonical_name);

}  // namespace nibble::model
