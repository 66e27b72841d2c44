#include "model/config/gguf_config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "model/architectures.h"
#include "model/config/key_reader.h"

namespace nibble::model {
namespace {

/// A count that some converters store once and some for each layer; differing layers are refused.
std::size_t read_uniform(KeyReader& keys, std::string_view key, std::size_t fallback) {
  const Json* value = keys.find(key);
  if (value == nullptr || !value->is_array()) {
    return keys.size_or(key, fallback);
  }
  const Json first = value->empty() ? Json() : value->front();
  if (!first.is_number_unsigned() || first < 1 || first > KeyReader::kMaxSize) {
    keys.reject(ErrorCode::kCorruptData, key, "wanted a positive integer for each layer");
    return fallback;
  }
  if (std::ranges::any_of(*value, [&first](const Json& entry) { return entry != first; })) {
    keys.reject(ErrorCode::kUnsupported, key, "layers that differ are not supported");
    return fallback;
  }
  return first.get<std::size_t>();
}

void read_scaling(KeyReader& keys, const io::Checkpoint& checkpoint, ModelConfig& config) {
  const std::string type = keys.text_or("rope.scaling.type", "none");
  if (type == "linear") {
    config.rope_scaling.kind = ops::RopeScaling::Kind::kLinear;
    config.rope_scaling.factor = keys.number("rope.scaling.factor");
  } else if (type != "none") {
    keys.reject(ErrorCode::kUnsupported,
                "rope.scaling.type",
                fmt::format("'{}' is not supported; linear is", type));
  }
  if (!checkpoint.has("rope_freqs.weight")) {
    return;
  }
  auto factors = checkpoint.tensor("rope_freqs.weight");
  if (!factors) {
    keys.adopt(factors.failure());
    return;
  }
  config.rope_scaling.kind = ops::RopeScaling::Kind::kFactors;
  config.rope_scaling.factors = codec::decode_all(factors->matrix);
}

/// Vocabulary and tying come from the tensors, which cannot disagree with themselves.
void read_embedding(KeyReader& keys, const io::Checkpoint& checkpoint, ModelConfig& config) {
  auto embedding = checkpoint.tensor("token_embd.weight");
  if (!embedding) {
    keys.adopt(embedding.failure());
    return;
  }
  config.vocab = embedding->matrix.rows;
  config.tied_embeddings = !checkpoint.has("output.weight");
}

void read_windows(KeyReader& keys, const Architecture& family, ModelConfig& config) {
  if (keys.find("attention.sliding_window") == nullptr) {
    return;
  }
  config.sliding_window = keys.size("attention.sliding_window");
  const std::size_t pattern =
      keys.size_or("attention.sliding_window_pattern", family.sliding_pattern);
  config.sliding_layers.assign(config.n_layers, 1);
  for (std::size_t layer = 0; pattern > 0 && layer < config.n_layers; ++layer) {
    config.sliding_layers[layer] = (layer + 1) % pattern != 0 ? 1 : 0;
  }
  if (family.sliding_pattern > 0) {
    config.rope_local_theta = keys.number_or("rope.freq_base_swa", 10000.0F);
  }
}

/// 1/sqrt(head_dim), but Gemma 3 27B (62 layers), whose file does not say that it scales by hidden
/// / n_heads.
float attention_scale(const ModelConfig& config) {
  const bool gemma_27b = config.sandwich_norms && config.n_layers == 62;
  const std::size_t scalar = gemma_27b ? config.hidden / config.n_heads : config.head_dim;
  return 1.0F / std::sqrt(static_cast<float>(scalar));
}

void refuse_unsupported(KeyReader& keys, const ModelConfig& config) {
  if (keys.find("expert_count") != nullptr && *keys.find("expert_count") != 0) {
    keys.reject(ErrorCode::kUnsupported, "expert_count", "mixtures of experts are not supported");
  }
  if (keys.size_or("rope.dimension_count", config.head_dim) != config.head_dim) {
    keys.reject(
        ErrorCode::kUnsupported, "rope.dimension_count", "partial rotation is not supported");
  }
  if (keys.size_or("attention.value_length", config.head_dim) != config.head_dim) {
    keys.reject(ErrorCode::kUnsupported,
                "attention.value_length",
                "keys and values of different length are not supported");
  }
}

}  // namespace

Result<ModelConfig> read_gguf_config(const io::Checkpoint& checkpoint) {
  const std::string where = checkpoint.path().string();
  KeyReader general(checkpoint.metadata(), where, "general.");
  const std::string name = general.text_or("architecture", "");
  const Architecture* family = find_architecture(name);
  if (general.failure() || family == nullptr) {
    return general.failure() ? *general.failure()
                             : fail(ErrorCode::kUnsupported,
                                    "{}: architecture '{}' is not supported; {} are",
                                    where,
                                    name,
                                    architecture_names());
  }
  KeyReader keys(checkpoint.metadata(), where, name + ".");
  ModelConfig config;
  config.architecture = name;
  config.name = general.text_or("name", "");
  config.hidden = keys.size("embedding_length");
  config.intermediate = read_uniform(keys, "feed_forward_length", 1);
  config.n_layers = keys.size("block_count");
  config.n_heads = read_uniform(keys, "attention.head_count", 1);
  config.n_kv_heads = read_uniform(keys, "attention.head_count_kv", config.n_heads);
  config.head_dim = keys.size_or("attention.key_length",
                                 std::max<std::size_t>(config.hidden / config.n_heads, 1));
  config.context = keys.size("context_length");
  config.norm_epsilon = keys.number("attention.layer_norm_rms_epsilon");
  config.rope_theta = keys.number_or("rope.freq_base", 10000.0F);
  read_scaling(keys, checkpoint, config);
  read_embedding(keys, checkpoint, config);
  apply_family(*family, config);
  config.attention_scale = attention_scale(config);
  config.attention_softcap = keys.number_or("attn_logit_softcapping", 0.0F);
  config.final_softcap = keys.number_or("final_logit_softcapping", 0.0F);
  read_windows(keys, *family, config);
  refuse_unsupported(keys, config);
  if (keys.failure()) {
    return *keys.failure();
  }
  return check_config(std::move(config), where);
}

}  // namespace nibble::model
