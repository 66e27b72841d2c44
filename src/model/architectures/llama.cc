/// The walk of Llama, Mistral, SmolLM2, Qwen2 and Qwen3, which differ inside the blocks only.
///
///   x += attention(norm(x));   x += mlp(norm(x))
///
/// Source     modeling_llama.py and its relatives in the Transformers library
#include <memory>
#include <vector>

#include "model/architectures.h"
#include "model/decoder.h"
#include "model/layers/attention_block.h"
#include "model/layers/load_layers.h"
#include "model/layers/mlp_block.h"

namespace nibble::model {
namespace {

struct Layer {
  Layer(const ModelConfig& config, const WeightLoader& weights, std::size_t index)
      : attention_norm(weights.norm(index, "input_layernorm")),
        attention(config, weights, index),
        mlp_norm(weights.norm(index, "post_attention_layernorm")),
        mlp(config, weights, index) {}

  std::vector<float> attention_norm;
  AttentionBlock attention;
  std::vector<float> mlp_norm;
  MlpBlock mlp;
};

class Llama final : public Decoder {
 public:
  Llama(const ModelConfig& config, const WeightLoader& weights)
      : Decoder(config, weights), layers_(load_layers<Layer>(config, weights)) {}

 private:
  void run_layer(std::size_t layer, Stream& stream) override {
    const Layer& w = layers_[layer];
    stream.normalize(w.attention_norm);
    w.attention.run(stream);
    stream.add_branch();
    stream.normalize(w.mlp_norm);
    w.mlp.run(stream);
    stream.add_branch();
  }
  std::size_t layer_bytes() const noexcept override { return packed_bytes(layers_); }

  std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<LanguageModel> build_llama(const ModelConfig& config, const WeightLoader& weights) {
  return std::make_unique<Llama>(config, weights);
}

}  // namespace nibble::model
