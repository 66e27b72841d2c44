/// The shape of a decoder model, read from GGUF metadata or a Hugging Face config.json.
///
/// Errors     a missing or contradictory key is kCorruptData with its name; an unknown
///            architecture is kUnsupported
/// Source     the architectures' configuration classes in the Transformers library; GGUF key names
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/checkpoint.h"
#include "model/runtime.h"
#include "ops/elementwise.h"
#include "ops/rope.h"

namespace nibble::model {

struct ModelConfig {
  std::string architecture;  ///< "llama", "qwen2", "qwen3", "gemma3"
  std::string name;          ///< as the file calls itself
  std::size_t vocab = 0;
  std::size_t hidden = 0;
  std::size_t intermediate = 0;
  std::size_t n_layers = 0;
  std::size_t n_heads = 0;
  std::size_t n_kv_heads = 0;
  std::size_t head_dim = 0;
  std::size_t context = 0;  ///< longest sequence that the model was made for
  float norm_epsilon = 1e-5F;
  float rope_theta = 10000.0F;
  float rope_local_theta = 0.0F;  ///< Gemma 3: of the sliding layers; 0 elsewhere
  ops::RopeScaling rope_scaling;
  bool tied_embeddings = false;
  bool qkv_bias = false;         ///< Qwen2
  bool qk_norm = false;          ///< Qwen3, Gemma 3
  bool sandwich_norms = false;   ///< Gemma 3: norms behind attention and MLP too
  float embedding_scale = 1.0F;  ///< Gemma 3: sqrt(hidden)
  float attention_scale = 0.0F;  ///< 1/sqrt(head_dim) unless the model says otherwise
  float attention_softcap = 0.0F, final_softcap = 0.0F;
  ops::GateActivation activation = ops::GateActivation::kSilu;
  std::size_t sliding_window = 0;            ///< 0: none
  std::vector<std::uint8_t> sliding_layers;  ///< [n_layers] 1 where the window applies
  Runtime runtime;

  /// Parameters of all weights, embeddings counted once when tied.
  [[nodiscard]] std::size_t n_parameters() const;
};

/// The configuration itself, or why its numbers cannot be those of a model.
Result<ModelConfig> check_config(ModelConfig config, std::string_view where);

Result<ModelConfig> read_config(const io::Checkpoint& checkpoint);

}  // namespace nibble::model
