#include "model/config/hf_config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "io/formats/packed_format.h"
#include "model/architectures.h"
#include "model/config/key_reader.h"

namespace nibble::model {
namespace {

/// Gemma 3's defaults in the Transformers library, which its multimodal files rely on.
Json with_gemma3_defaults(const Json& text_config) {
  Json all = {{"vocab_size", 262208},
              {"hidden_size", 2304},
              {"intermediate_size", 9216},
              {"num_hidden_layers", 26},
              {"num_attention_heads", 8},
              {"num_key_value_heads", 4},
              {"head_dim", 256},
              {"max_position_embeddings", 131072},
              {"rms_norm_eps", 1e-6},
              {"query_pre_attn_scalar", 256},
              {"sliding_window", 4096},
              {"hidden_activation", "gelu_pytorch_tanh"}};
  if (text_config.find("rope_parameters") == text_config.end()) {
    all["rope_theta"] = 1000000.0;
    all["rope_local_base_freq"] = 10000.0;
  }
  all.update(text_config);
  return all;
}

/// One RoPE table: {"rope_type": …, "factor": …}; the older key "type" is read too.
ops::RopeScaling read_scaling(KeyReader& keys, const Json* scaling, const std::string& where) {
  ops::RopeScaling out;
  if (scaling == nullptr) {
    return out;
  }
  KeyReader reader(*scaling, where);
  const std::string type = reader.text_or("rope_type", reader.text_or("type", "default"));
  if (type == "linear") {
    out.kind = ops::RopeScaling::Kind::kLinear;
    out.factor = reader.number("factor");
  } else if (type == "llama3") {
    out.kind = ops::RopeScaling::Kind::kLlama3;
    out.factor = reader.number("factor");
    out.low_frequency_factor = reader.number("low_freq_factor");
    out.high_frequency_factor = reader.number("high_freq_factor");
    out.original_context = reader.size("original_max_position_embeddings");
  } else if (type == "factors") {
    out.kind = ops::RopeScaling::Kind::kFactors;
    const Json* factors = reader.find("factors");
    if (factors == nullptr || !factors->is_array() ||
        !std::ranges::all_of(*factors, [](const Json& f) { return f.is_number(); })) {
      reader.reject(ErrorCode::kCorruptData, "factors", "wanted an array of numbers");
    } else {
      out.factors = factors->get<std::vector<float>>();
    }
  } else if (type != "default") {
    reader.reject(ErrorCode::kUnsupported,
                  "rope_type",
                  fmt::format("'{}' is not supported; linear and llama3 are", type));
  }
  if (reader.failure()) {
    keys.adopt(*reader.failure());
  }
  return out;
}

void read_rope(KeyReader& keys, const std::string& where, ModelConfig& config) {
  const Json* parameters = keys.find("rope_parameters");
  if (parameters == nullptr || !parameters->is_object()) {
    config.rope_theta = keys.number_or("rope_theta", 10000.0F);
    const Json* scaling = keys.find("rope_scaling");
    if (scaling != nullptr && !scaling->is_object()) {
      keys.reject(ErrorCode::kCorruptData, "rope_scaling", "wanted an object or null");
      return;
    }
    config.rope_scaling = read_scaling(keys, scaling, where + ": rope_scaling");
    return;
  }
  const std::string at = where + ": rope_parameters";
  const Json* global = parameters;
  if (const auto nested = parameters->find("full_attention"); nested != parameters->end()) {
    global = &*nested;
  }
  KeyReader reader(*global, at);
  config.rope_theta = reader.number_or("rope_theta", 10000.0F);
  if (reader.failure()) {
    keys.adopt(*reader.failure());
  }
  config.rope_scaling = read_scaling(keys, global, at);
}

float read_local_theta(KeyReader& keys, const std::string& where) {
  const Json* parameters = keys.find("rope_parameters");
  if (parameters != nullptr && parameters->is_object()) {
    if (const auto local = parameters->find("sliding_attention"); local != parameters->end()) {
      KeyReader reader(*local, where + ": rope_parameters.sliding_attention");
      const float theta = reader.number_or("rope_theta", 10000.0F);
      if (reader.failure()) {
        keys.adopt(*reader.failure());
      }
      return theta;
    }
  }
  return keys.number_or("rope_local_base_freq", 10000.0F);
}

/// Which layers see only a window: `layer_types` where present, else each family's own rule.
void read_windows(KeyReader& keys, const Architecture& family, ModelConfig& config) {
  const bool switched_off =
      family.name.starts_with("qwen") && !keys.flag_or("use_sliding_window", false);
  if (keys.find("sliding_window") == nullptr || switched_off) {
    return;
  }
  config.sliding_window = keys.size("sliding_window");
  const std::size_t first =
      family.name.starts_with("qwen") ? keys.size_or("max_window_layers", config.n_layers) : 0;
  const std::size_t pattern = keys.size_or(
      "sliding_window_pattern", keys.size_or("_sliding_window_pattern", family.sliding_pattern));
  config.sliding_layers.assign(config.n_layers, 0);
  for (std::size_t layer = first; layer < config.n_layers; ++layer) {
    config.sliding_layers[layer] = pattern == 0 || (layer + 1) % pattern != 0 ? 1 : 0;
  }
  const Json* types = keys.find("layer_types");
  if (types == nullptr) {
    return;
  }
  if (!types->is_array() || types->size() != config.n_layers) {
    keys.reject(ErrorCode::kCorruptData, "layer_types", "wanted one entry for each layer");
    return;
  }
  std::ranges::transform(*types, config.sliding_layers.begin(), [](const Json& type) {
    return std::uint8_t{type == "sliding_attention"};
  });
}

void refuse_unsupported(KeyReader& keys, const ModelConfig& config) {
  const bool gemma = config.sandwich_norms;
  const std::string activation = keys.text_or(
      "hidden_activation", keys.text_or("hidden_act", gemma ? "gelu_pytorch_tanh" : "silu"));
  if (activation != (gemma ? "gelu_pytorch_tanh" : "silu")) {
    keys.reject(
        ErrorCode::kUnsupported, "hidden_act", fmt::format("'{}' is not supported", activation));
  }
  for (const char* key : {"attention_bias", "mlp_bias", "use_bidirectional_attention"}) {
    if (keys.flag_or(key, false)) {
      keys.reject(ErrorCode::kUnsupported, key, "true is not supported");
    }
  }
  if (keys.number_or("partial_rotary_factor", 1.0F) != 1.0F) {
    keys.reject(ErrorCode::kUnsupported, "partial_rotary_factor", "only 1 is supported");
  }
}

void read_shape(KeyReader& keys, ModelConfig& config) {
  config.vocab = keys.size("vocab_size");
  config.hidden = keys.size("hidden_size");
  config.intermediate = keys.size("intermediate_size");
  config.n_layers = keys.size("num_hidden_layers");
  config.n_heads = keys.size("num_attention_heads");
  config.n_kv_heads = keys.size_or("num_key_value_heads", config.n_heads);
  config.head_dim =
      keys.size_or("head_dim", std::max<std::size_t>(config.hidden / config.n_heads, 1));
  config.context = keys.size("max_position_embeddings");
  config.norm_epsilon = keys.number_or("rms_norm_eps", 1e-6F);
}

/// Packed weights of a tool that io does not know would be taken for missing tensors.
Result<void> refuse_foreign_quantization(const Json& config, const std::string& where) {
  const auto found = config.find("quantization_config");
  if (found == config.end() || !found->is_object()) {
    return {};
  }
  const std::string method = found->value("quant_method", Json()).is_string()
                                 ? (*found)["quant_method"].get<std::string>()
                                 : "unnamed";
  if (method == "nibble" || io::find_packed_format(method) != nullptr) {
    return {};
  }
  return fail(ErrorCode::kUnsupported,
              "{}: the weights are quantized in the format '{}', which is not read; nibble reads "
              "plain weights, GGUF, its own folders and those of docs/formats/packed.md",
              where,
              method);
}

Json scaling_json(const ops::RopeScaling& scaling) {
  switch (scaling.kind) {
    case ops::RopeScaling::Kind::kNone:
      return nullptr;
    case ops::RopeScaling::Kind::kLinear:
      return {{"rope_type", "linear"}, {"factor", scaling.factor}};
    case ops::RopeScaling::Kind::kLlama3:
      return {{"rope_type", "llama3"},
              {"factor", scaling.factor},
              {"low_freq_factor", scaling.low_frequency_factor},
              {"high_freq_factor", scaling.high_frequency_factor},
              {"original_max_position_embeddings", scaling.original_context}};
    case ops::RopeScaling::Kind::kFactors:
      return {{"rope_type", "factors"}, {"factors", scaling.factors}};
  }
  return nullptr;
}

std::string hf_class(const ModelConfig& config) {
  if (config.architecture == "llama") {
    return config.sliding_window > 0 ? "MistralForCausalLM" : "LlamaForCausalLM";
  }
  return config.architecture == "qwen2"   ? "Qwen2ForCausalLM"
         : config.architecture == "qwen3" ? "Qwen3ForCausalLM"
                                          : "Gemma3ForCausalLM";
}

std::string hf_model_type(const ModelConfig& config) {
  const Architecture* family = find_architecture(config.architecture);
  NIBBLE_CHECK(family != nullptr, "write_hf_config of an unknown architecture");
  const bool mistral = config.architecture == "llama" && config.sliding_window > 0;
  return std::string(family->hf_types[mistral ? 1 : 0]);
}

}  // namespace

Result<ModelConfig> read_hf_config(const Json& config_json, const std::string& where) {
  KeyReader top(config_json, where);
  const std::string model_type = top.text_or("model_type", "");
  const Architecture* family = find_hf_architecture(model_type);
  if (family == nullptr) {
    return fail(ErrorCode::kUnsupported,
                "{}: model_type '{}' is not supported; {} are",
                where,
                model_type,
                architecture_names());
  }
  if (auto native = refuse_foreign_quantization(config_json, where); !native) {
    return native.failure();
  }
  auto runtime = read_runtime(config_json, where);
  if (!runtime) {
    return runtime.failure();
  }
  const Json* nested = top.find("text_config");
  const Json& source = nested != nullptr && nested->is_object() ? *nested : config_json;
  const Json text = family->name == "gemma3" ? with_gemma3_defaults(source) : source;
  KeyReader keys(text, where);
  ModelConfig config;
  config.runtime = *runtime;
  config.architecture = family->name;
  config.name = top.text_or("_name_or_path", "");
  read_shape(keys, config);
  read_rope(keys, where, config);
  config.tied_embeddings = keys.flag_or(
      "tie_word_embeddings", top.flag_or("tie_word_embeddings", family->ties_by_default));
  apply_family(*family, config);
  config.attention_scale = 1.0F / std::sqrt(keys.number_or("query_pre_attn_scalar",
                                                           static_cast<float>(config.head_dim)));
  config.attention_softcap = keys.number_or("attn_logit_softcapping", 0.0F);
  config.final_softcap = keys.number_or("final_logit_softcapping", 0.0F);
  read_windows(keys, *family, config);
  if (family->sliding_pattern > 0) {
    config.rope_local_theta = read_local_theta(keys, where);
  }
  refuse_unsupported(keys, config);
  if (top.failure() || keys.failure()) {
    return top.failure() ? *top.failure() : *keys.failure();
  }
  return check_config(std::move(config), where);
}

Json write_hf_config(const ModelConfig& config) {
  Json out = {{"architectures", {hf_class(config)}},
              {"model_type", hf_model_type(config)},
              {"vocab_size", config.vocab},
              {"hidden_size", config.hidden},
              {"intermediate_size", config.intermediate},
              {"num_hidden_layers", config.n_layers},
              {"num_attention_heads", config.n_heads},
              {"num_key_value_heads", config.n_kv_heads},
              {"head_dim", config.head_dim},
              {"max_position_embeddings", config.context},
              {"rms_norm_eps", config.norm_epsilon},
              {"rope_theta", config.rope_theta},
              {"rope_scaling", scaling_json(config.rope_scaling)},
              {"tie_word_embeddings", config.tied_embeddings}};
  if (config.sliding_window > 0) {
    out["sliding_window"] = config.sliding_window;
    Json types = Json::array();
    for (const std::uint8_t sliding : config.sliding_layers) {
      types.push_back(sliding != 0 ? "sliding_attention" : "full_attention");
    }
    out["layer_types"] = types;
    if (config.architecture.starts_with("qwen")) {
      out["use_sliding_window"] = true;
    }
  }
  if (config.sandwich_norms) {
    out["hidden_activation"] = "gelu_pytorch_tanh";
    out["rope_local_base_freq"] = config.rope_local_theta;
    out["query_pre_attn_scalar"] = 1.0F / (config.attention_scale * config.attention_scale);
    out["attn_logit_softcapping"] =
        config.attention_softcap > 0 ? Json(config.attention_softcap) : Json();
    out["final_logit_softcapping"] = config.final_softcap > 0 ? Json(config.final_softcap) : Json();
  } else {
    out["hidden_act"] = "silu";
  }
  return out;
}

}  // namespace nibble::model
