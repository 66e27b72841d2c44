/// The table of decoder families: what the checkpoints of each call things, and which walk runs
/// it.
///
/// A new family is a row here and, where no walk fits, a file under architectures/.
///
/// Source     the families' modelling files in the Transformers library; GGUF conventions in
///            docs/formats/gguf.md
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "model/language_model.h"
#include "model/weights/weight_loader.h"

namespace nibble::model {

struct Architecture {
  std::string_view name;  ///< ModelConfig::architecture and GGUF's general.architecture
  std::array<std::string_view, 2>
      hf_types;  ///< values of model_type in config.json; "" where unused
  bool qkv_bias = false;
  bool qk_norm = false;
  bool sandwich_norms = false;
  bool scales_embedding = false;    ///< by sqrt(hidden)
  bool ties_by_default = false;     ///< where config.json does not say
  bool gguf_permutes_qk = false;    ///< rows of q and k stored for interleaved RoPE
  bool hf_norms_minus_one = false;  ///< config.json checkpoints store w where 1 + w is applied
  std::size_t sliding_pattern =
      0;  ///< every n-th layer sees everything, the others a window; 0: all layers alike
  ops::GateActivation activation = ops::GateActivation::kSilu;
  std::unique_ptr<LanguageModel> (*build)(const ModelConfig& config,
                                          const WeightLoader& weights) = nullptr;
};

std::span<const Architecture> architecture_table();

/// The row of a name ("qwen2") or of a config.json model_type ("mistral"); nullptr when there is
/// none.
const Architecture* find_architecture(std::string_view name);
const Architecture* find_hf_architecture(std::string_view model_type);

/// "llama, qwen2, qwen3, gemma3", for messages.
std::string architecture_names();

/// Sets what follows from the family alone.
void apply_family(const Architecture& family, ModelConfig& config);

std::unique_ptr<LanguageModel> build_llama(const ModelConfig& config, const WeightLoader& weights);
std::unique_ptr<LanguageModel> build_gemma3(const ModelConfig& config, const WeightLoader& weights);

}  // namespace nibble::model
