/// The walk of Gemma 3: norms in front of and behind both branches.
///
///   x += norm(attention(norm(x)));   x += norm(mlp(norm(x)))
///
/// Source     modeling_gemma3.py in the Transformers library
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
        attended_norm(weights.norm(index, "post_attention_layernorm")),
        mlp_norm(weights.norm(index, "pre_feedforward_layernorm")),
        mlp(config, weights, index),
        output_norm(weights.norm(index, "post_feedforward_layernorm")) {}

  std::vector<float> attention_norm;
  AttentionBlock attention;
  std::vector<float> attended_norm;
  std::vector<float> mlp_norm;
  MlpBlock mlp;
  std::vector<float> output_norm;
};

class Gemma3 final : public Decoder {
 public:
  Gemma3(const ModelConfig& config, const WeightLoader& weights)
      : Decoder(config, weights), layers_(load_layers<Layer>(config, weights)) {}

 private:
  void run_layer(std::size_t layer, Stream& stream) override {
    const Layer& w = layers_[layer];
    stream.normalize(w.attention_norm);
    w.attention.run(stream);
    stream.normalize_branch(w.attended_norm);
    stream.add_branch();
    stream.normalize(w.mlp_norm);
    w.mlp.run(stream);
    stream.normalize_branch(w.output_norm);
    stream.add_branch();
  }
  std::size_t layer_bytes() const noexcept override { return packed_bytes(layers_); }

  std::vector<Layer> layers_;
};

}  // namespace

std::unique_ptr<LanguageModel> build_gemma3(const ModelConfig& config,
                                            const WeightLoader& weights) {
  return std::make_unique<Gemma3>(config, weights);
}

}  // namespace nibble::model
