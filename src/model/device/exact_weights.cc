#include "model/device/exact_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/cancel.h"
#include "model/layers/attention_block.h"

namespace nibble::model {
namespace {

/// Rows that are decoded and sent at a time.
constexpr std::size_t kExactRowsAtOnce = 2048;

ops::DeviceBuffer upload_exact(ops::Device& device, const std::vector<float>& values) {
  return device.upload(std::span<const float>(values));
}

class ExactLoader {
 public:
  ExactLoader(const ModelConfig& config, const WeightLoader& weights, ops::Device& device)
      : config_(config), weights_(weights), device_(device) {}

  ExactLayer layer(std::size_t i) const {
    const std::size_t q_rows = config_.n_heads * config_.head_dim;
    const std::size_t kv_rows = config_.n_kv_heads * config_.head_dim;
    ExactLayer out;
    out.attention_norm = upload_exact(device_, weights_.norm(i, "input_layernorm"));
    out.mlp_norm = upload_exact(device_, weights_.norm(i, "post_attention_layernorm"));
    out.inverse_frequency = upload_exact(device_, rope_frequencies(config_, i));
    if (config_.qkv_bias) {
      out.qkv_bias = upload_exact(device_, biases(i));
    }
    if (config_.qk_norm) {
      out.q_norm = upload_exact(
          device_, weights_.vector(name_of(i, "self_attn.q_norm.weight"), config_.head_dim));
      out.k_norm = upload_exact(
          device_, weights_.vector(name_of(i, "self_attn.k_norm.weight"), config_.head_dim));
    }
    out.qkv = stacked({encoded(i, "self_attn.q_proj", q_rows, config_.hidden),
                       encoded(i, "self_attn.k_proj", kv_rows, config_.hidden),
                       encoded(i, "self_attn.v_proj", kv_rows, config_.hidden)});
    out.o = stacked({encoded(i, "self_attn.o_proj", config_.hidden, q_rows)});
    out.gate_up = stacked({encoded(i, "mlp.gate_proj", config_.intermediate, config_.hidden),
                           encoded(i, "mlp.up_proj", config_.intermediate, config_.hidden)});
    out.down = stacked({encoded(i, "mlp.down_proj", config_.hidden, config_.intermediate)});
    return out;
  }

  /// Rows of the sources one behind the other.
  ExactMatrix stacked(const std::vector<codec::EncodedMatrix>& sources) const {
    ExactMatrix out;
    out.cols = sources.front().cols;
    for (const codec::EncodedMatrix& source : sources) {
      out.rows += source.rows;
    }
    out.values = device_.allocate(out.rows * out.cols * sizeof(float));
    std::vector<float> values(std::min(kExactRowsAtOnce, out.rows) * out.cols);
    auto* to = out.values.as<float>();
    for (const codec::EncodedMatrix& source : sources) {
      for (std::size_t first = 0; first < source.rows; first += kExactRowsAtOnce) {
        const std::size_t n = std::min(kExactRowsAtOnce, source.rows - first);
        weights_.pool().run(n, [&](std::size_t row, std::size_t /*worker*/) {
          source.codec->decode_rows(source, first + row, 1, values.data() + row * out.cols);
        });
        device_.upload(values.data(), to, n * out.cols * sizeof(float));
        device_.synchronize();  // the next rows take their place
        to += n * out.cols;
      }
    }
    return out;
  }

 private:
  static std::string name_of(std::size_t layer, std::string_view part) {
    return fmt::format("model.layers.{}.{}", layer, part);
  }
  codec::EncodedMatrix encoded(std::size_t layer,
                               std::string_view part,
                               std::size_t rows,
                               std::size_t cols) const {
    return weights_.matrix(name_of(layer, part) + ".weight", rows, cols);
  }
  std::vector<float> biases(std::size_t i) const {
    std::vector<float> out;
    for (const auto& [part, n_heads] : {std::pair("q_proj", config_.n_heads),
                                        std::pair("k_proj", config_.n_kv_heads),
                                        std::pair("v_proj", config_.n_kv_heads)}) {
      const std::vector<float> own = weights_.vector(
          name_of(i, fmt::format("self_attn.{}.bias", part)), n_heads * config_.head_dim);
      out.insert(out.end(), own.begin(), own.end());
    }
    return out;
  }

  const ModelConfig& config_;
  const WeightLoader& weights_;
  ops::Device& device_;
};

}  // namespace

std::size_t ExactWeights::n_bytes() const noexcept {
  const bool is_tied = embedding.values.data() == head.values.data();
  std::size_t n_bytes =
      embedding.values.size() + final_norm.size() + (is_tied ? 0 : head.values.size());
  for (const ExactLayer& layer : layers) {
    for (const ExactMatrix* matrix : {&layer.qkv, &layer.o, &layer.gate_up, &layer.down}) {
      n_bytes += matrix->values.size();
    }
  }
  return n_bytes;
}

Result<void> check_exact_support(const ModelConfig& config) {
  const auto refuse = [](std::string_view what) {
    return fail(ErrorCode::kUnsupported,
                "a GPU does not run {} in f32 arithmetic yet; --device cpu does",
                what);
  };
  if (config.sandwich_norms || config.attention_softcap > 0 || config.final_softcap > 0 ||
      config.embedding_scale != 1.0F) {
    return refuse(fmt::format("the architecture {}", config.architecture));
  }
  if (config.head_dim != 64 && config.head_dim != 128) {
    return refuse(fmt::format("heads of {} columns", config.head_dim));
  }
  if (config.hidden % 8 != 0 || config.intermediate % 8 != 0) {
    return refuse("widths that are no multiples of 8");
  }
  if (!config.runtime.is_plain()) {
    return refuse("rotations or rounded activations");
  }
  return {};
}

ExactWeights load_exact_weights(const ModelConfig& config,
                                const WeightLoader& weights,
                                ops::Device& device) {
  const ExactLoader loader(config, weights, device);
  ExactWeights out;
  out.embedding =
      loader.stacked({weights.matrix("model.embed_tokens.weight", config.vocab, config.hidden)});
  for (std::size_t i = 0; i < config.n_layers; ++i) {
    cancel_flag().check();
    out.layers.push_back(loader.layer(i));
    weights.progress().advance(1);
  }
  out.final_norm = upload_exact(device, weights.vector("model.norm.weight", config.hidden));
  out.head = config.tied_embeddings
                 ? out.embedding
                 : loader.stacked({weights.matrix("lm_head.weight", config.vocab, config.hidden)});
  return out;
}

}  // namespace nibble::model
