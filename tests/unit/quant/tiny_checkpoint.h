/// A llama of one layer, or of some, in a temporary folder: hidden 64, feed-forward 96 (so that
/// groups of 64 are ragged), vocabulary 32.
#pragma once

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "io/checkpoint_writer.h"
#include "model/weights.h"
#include "support/files.h"

namespace nibble::quant {

/// A vocabulary of one letter a token.
inline std::string tiny_tokenizer() {
  Json vocabulary = {{"[UNK]", 0}};
  for (int id = 1; id < 27; ++id) {
    vocabulary[std::string(1, static_cast<char>('a' + id - 1))] = id;
  }
  return dump_json({{"model",
                     {{"type", "WordPiece"},
                      {"unk_token", "[UNK]"},
                      {"continuing_subword_prefix", "##"},
                      {"vocab", std::move(vocabulary)}}},
                    {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                    {"decoder", {{"type", "WordPiece"}}}});
}

inline Json tiny_config(std::size_t n_layers = 1) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"vocab_size", 32},
          {"hidden_size", 64},
          {"intermediate_size", 96},
          {"num_hidden_layers", n_layers},
          {"num_attention_heads", 2},
          {"num_key_value_heads", 1},
          {"max_position_embeddings", 128},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"hidden_act", "silu"},
          {"tie_word_embeddings", false}};
}

/// Weights that no grid holds exactly; `poison` replaces one of `poisoned` when it is not 0.
inline Tensor tiny_weight(const std::string& name,
                          std::size_t rows,
                          std::size_t cols,
                          float poison,
                          std::string_view poisoned = {}) {
  Tensor out = Tensor::make(DType::kF32, rows == 1 ? Shape{cols} : Shape{rows, cols});
  const auto values = out.mutable_as<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(static_cast<float>(i * 7 + name.size())) / 8.0F;
  }
  if (poison != 0.0F && name == poisoned) {
    values[(rows > 2 ? 2 * cols : 0) + 3] = poison;
  }
  return out;
}

inline void write_tiny_checkpoint(const std::filesystem::path& folder,
                                  float poison = 0.0F,
                                  std::size_t n_layers = 1,
                                  std::string_view poisoned = "model.layers.0.mlp.up_proj.weight") {
  auto writer = io::CheckpointWriter::create(folder).take();
  const auto add = [&](const std::string& name, std::size_t rows, std::size_t cols) {
    writer.add_tensor(name, tiny_weight(name, rows, cols, poison, poisoned)).take();
  };
  add("model.embed_tokens.weight", 32, 64);
  for (std::size_t l = 0; l < n_layers; ++l) {
    const std::string layer = "model.layers." + std::to_string(l) + ".";
    add(layer + "input_layernorm.weight", 1, 64);
    add(layer + "self_attn.q_proj.weight", 64, 64);
    add(layer + "self_attn.k_proj.weight", 32, 64);
    add(layer + "self_attn.v_proj.weight", 32, 64);
    add(layer + "self_attn.o_proj.weight", 64, 64);
    add(layer + "post_attention_layernorm.weight", 1, 64);
    add(layer + "mlp.gate_proj.weight", 96, 64);
    add(layer + "mlp.up_proj.weight", 96, 64);
    add(layer + "mlp.down_proj.weight", 64, 96);
  }
  add("model.norm.weight", 1, 64);
  add("lm_head.weight", 32, 64);
  writer.add_companion("tokenizer.json", tiny_tokenizer()).take();
  writer.finish(tiny_config(n_layers)).take();
}

}  // namespace nibble::quant
