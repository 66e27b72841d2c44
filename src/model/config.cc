#include "model/config.h"

#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "model/architectures.h"
#include "model/config/gguf_config.h"
#include "model/config/hf_config.h"
#include "model/weights.h"

namespace nibble::model {
namespace {

/// The decoder block that a tensor belongs to: 12 for "blk.12.ffn_up.weight" and for
/// "model.layers.12.mlp.up_proj.weight".
std::optional<std::size_t> layer_of(std::string_view name) {
  for (const std::string_view prefix : {"blk.", "model.layers.", "language_model.model.layers."}) {
    std::size_t layer = 0;
    if (name.starts_with(prefix) &&
        std::from_chars(name.data() + prefix.size(), name.data() + name.size(), layer).ec ==
            std::errc()) {
      return layer;
    }
  }
  return std::nullopt;
}

/// A model that silently lost its upper layers would still run, and be judged.
Result<void> refuse_left_out_layers(const io::Checkpoint& checkpoint, std::size_t n_layers) {
  for (const std::string& name : checkpoint.names()) {
    if (const auto layer = layer_of(name); layer && *layer >= n_layers) {
      return fail(ErrorCode::kCorruptData,
                  "{}: the configuration has {} layers, but there is a tensor '{}'",
                  checkpoint.path().string(),
                  n_layers,
                  name);
    }
  }
  return {};
}

}  // namespace

std::size_t ModelConfig::n_parameters() const {
  const auto weights = list_weights(*this);
  return std::accumulate(
      weights.begin(), weights.end(), std::size_t{0}, [](std::size_t n, const WeightInfo& w) {
        return n + w.rows * w.cols;
      });
}

void apply_family(const Architecture& family, ModelConfig& config) {
  config.qkv_bias = family.qkv_bias;
  config.qk_norm = family.qk_norm;
  config.sandwich_norms = family.sandwich_norms;
  config.activation = family.activation;
  config.embedding_scale =
      family.scales_embedding ? std::sqrt(static_cast<float>(config.hidden)) : 1.0F;
}

Result<ModelConfig> check_config(ModelConfig config, std::string_view where) {
  constexpr std::size_t kMostLayers = 1024;
  const auto reject = [where](std::string_view reason) {
    return fail(ErrorCode::kCorruptData, "{}: {}", where, reason);
  };
  if (config.n_layers > kMostLayers) {
    return reject(fmt::format("{} layers, wanted at most {}", config.n_layers, kMostLayers));
  }
  if (config.n_heads % config.n_kv_heads != 0) {
    return reject(
        fmt::format("{} heads cannot share {} key/value heads", config.n_heads, config.n_kv_heads));
  }
  if (config.head_dim % 2 != 0) {
    return reject(
        fmt::format("a head dimension of {} is odd, rotation needs pairs", config.head_dim));
  }
  if (!(config.rope_theta > 0) || !(config.attention_scale > 0) || !(config.norm_epsilon > 0)) {
    return reject("RoPE theta, attention scale and norm epsilon must be positive");
  }
  if (config.attention_softcap < 0 || config.final_softcap < 0) {
    return reject("a soft limit must be positive");
  }
  if (config.rope_scaling.kind == ops::RopeScaling::Kind::kFactors &&
      config.rope_scaling.factors.size() != config.head_dim / 2) {
    return reject(fmt::format("{} RoPE factors for {} pairs of a head",
                              config.rope_scaling.factors.size(),
                              config.head_dim / 2));
  }
  const auto& scaling = config.rope_scaling;
  if (!(scaling.factor > 0) || !(scaling.high_frequency_factor > scaling.low_frequency_factor)) {
    return reject(
        "RoPE scaling needs a positive factor and high_freq_factor above low_freq_factor");
  }
  return config;
}

Result<ModelConfig> read_config(const io::Checkpoint& checkpoint) {
  auto config =
      checkpoint.container() == io::Container::kGguf
          ? read_gguf_config(checkpoint)
          : read_hf_config(checkpoint.metadata(), (checkpoint.path() / "config.json").string());
  if (!config) {
    return config;
  }
  if (auto complete = refuse_left_out_layers(checkpoint, config->n_layers); !complete) {
    return complete.failure();
  }
  return config;
}

}  // namespace nibble::model
