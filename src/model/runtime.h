/// What a model does while it runs beyond its architecture, because its weights were made for it.
///
/// A folder of nibble's says so in config.json, and other programs do not know of it:
///
///   "quantization_config": { "quant_method": "nibble", "runtime": {
///       "hadamard": ["heads", "attended", "gated"],
///       "activations": { "bits": 4, "clip": 0.9, "outliers": 0.0 } } }
///
///   heads        queries and keys behind RoPE, each head by itself
///   attended     the input of o_proj, across its heads
///   gated        the input of down_proj
///   activations  the inputs of every linear layer of the blocks, rounded token by token
///                (ops/token_rounding)
///
/// Errors     read_runtime: kUnsupported for what this version does not know, kCorruptData for
///            values of a wrong type
/// Source     our own; docs/formats/checkpoint.md
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "ops/token_rounding.h"

namespace nibble::model {

struct ModelConfig;

struct Runtime {
  bool rotates_heads = false;
  bool rotates_attended = false;
  bool rotates_gated = false;
  ops::TokenRounding activations;

  [[nodiscard]] bool rotates() const noexcept {
    return rotates_heads || rotates_attended || rotates_gated;
  }
  [[nodiscard]] bool is_plain() const noexcept { return *this == Runtime{}; }
  bool operator==(const Runtime&) const = default;
};

/// Of a whole config.json; plain where it says nothing.
Result<Runtime> read_runtime(const Json& config_json, const std::string& where);
/// The value of "runtime"; null when plain.
Json runtime_json(const Runtime& runtime);

/// For people: "Hadamard transforms of heads"; "" when there is nothing that another program must
/// do. Formats of other programs refuse such models.
std::string runtime_text(const ModelConfig& config);

}  // namespace nibble::model
