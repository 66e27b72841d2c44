#include "rag/encoder/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "base/json.h"
#include "model/config/key_reader.h"

namespace nibble::rag {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;

/// A JSON file of the folder; nullopt where it has none.
std::optional<Json> read_json(const fs::path& path) {
  if (!fs::exists(path)) {
    return std::nullopt;
  }
  return parse_json(read_text_file(path, kMaxFileBytes).take(), path.string()).take();
}

/// What the reader found wrong ends the reading.
void finish(const model::KeyReader& keys) {
  if (keys.failure()) {
    throw Error(*keys.failure());
  }
}

void require(model::KeyReader& keys, const char* key, const char* wanted) {
  const std::string value = keys.text_or(key, wanted);
  if (value != wanted) {
    keys.reject(ErrorCode::kUnsupported,
                key,
                fmt::format("'{}' is not supported, '{}' is wanted", value, wanted));
  }
}

EncoderConfig read_shape(const Json& config, const std::string& where) {
  model::KeyReader keys(config, where);
  require(keys, "model_type", "bert");
  require(keys, "hidden_act", "gelu");
  require(keys, "position_embedding_type", "absolute");
  EncoderConfig out;
  out.vocab = keys.size("vocab_size");
  out.hidden = keys.size("hidden_size");
  out.intermediate = keys.size("intermediate_size");
  out.n_layers = keys.size("num_hidden_layers");
  out.n_heads = keys.size("num_attention_heads");
  out.n_positions = keys.size("max_position_embeddings");
  out.n_token_types = keys.size("type_vocab_size");
  out.norm_epsilon = keys.number_or("layer_norm_eps", 1e-12F);
  finish(keys);
  if (out.hidden % out.n_heads != 0 || out.norm_epsilon < 0.0F) {
    raise(ErrorCode::kCorruptData,
          "{}: hidden_size {} in {} heads, layer_norm_eps {}: impossible",
          where,
          out.hidden,
          out.n_heads,
          out.norm_epsilon);
  }
  return out;
}

Pooling read_pooling(const fs::path& path) {
  const std::optional<Json> json = read_json(path);
  if (!json || !json->is_object()) {
    raise(ErrorCode::kCorruptData, "{}: expected the settings of the pooling", path.string());
  }
  model::KeyReader keys(*json, path.string());
  const bool mean = keys.flag_or("pooling_mode_mean_tokens", false);
  const bool cls = keys.flag_or("pooling_mode_cls_token", false);
  finish(keys);
  std::size_t n_modes = 0;
  for (const auto& [key, value] : json->items()) {
    n_modes += key.starts_with("pooling_mode") && value.is_boolean() && value.get<bool>() ? 1U : 0U;
  }
  if (n_modes != 1 || mean == cls) {
    raise(ErrorCode::kUnsupported,
          "{}: only one of pooling_mode_mean_tokens and pooling_mode_cls_token is supported",
          path.string());
  }
  return mean ? Pooling::kMean : Pooling::kCls;
}

/// The last part of "sentence_transformers.models.Pooling".
std::string last_part(const std::string& type) {
  const std::size_t dot = type.rfind('.');
  return dot == std::string::npos ? type : type.substr(dot + 1);
}

void read_modules(const fs::path& folder, EncoderConfig& out) {
  const fs::path path = folder / "modules.json";
  const std::optional<Json> modules = read_json(path);
  if (!modules) {
    return;
  }
  if (!modules->is_array()) {
    raise(ErrorCode::kCorruptData, "{}: expected a list of modules", path.string());
  }
  out.normalizes = false;
  for (const Json& module : *modules) {
    if (!module.is_object()) {
      raise(ErrorCode::kCorruptData, "{}: a module that is not an object", path.string());
    }
    model::KeyReader keys(module, path.string());
    const std::string kind = last_part(keys.text_or("type", ""));
    const fs::path name = fs::path(keys.text_or("path", "")).filename();  // never out of the folder
    finish(keys);
    if (kind == "Pooling") {
      out.pooling = read_pooling(folder / name / "config.json");
    } else if (kind == "Normalize") {
      out.normalizes = true;
    } else if (kind != "Transformer") {
      raise(ErrorCode::kUnsupported,
            "{}: a module of type '{}', expected Transformer, Pooling or Normalize",
            path.string(),
            kind);
    }
  }
}

void read_prompts(const fs::path& folder, EncoderConfig& out) {
  const auto json = read_json(folder / "config_sentence_transformers.json");
  if (!json || !json->is_object() || !json->contains("prompts") ||
      !json->at("prompts").is_object()) {
    return;
  }
  model::KeyReader prompts(json->at("prompts"),
                           (folder / "config_sentence_transformers.json").string());
  out.query_prefix = prompts.text_or("query", "");
  out.passage_prefix = prompts.text_or("passage", prompts.text_or("document", ""));
  finish(prompts);
}

std::size_t read_max_tokens(const fs::path& folder, std::size_t n_positions) {
  const fs::path path = folder / "sentence_bert_config.json";
  const auto json = read_json(path);
  if (!json || !json->is_object()) {
    return n_positions;
  }
  model::KeyReader keys(*json, path.string());
  const std::size_t n = keys.size_or("max_seq_length", n_positions);
  finish(keys);
  return std::min(n, n_positions);
}

}  // namespace

std::string_view pooling_name(Pooling pooling) noexcept {
  return pooling == Pooling::kMean ? "mean" : "cls";
}

Result<EncoderConfig> read_encoder_config(const io::Checkpoint& checkpoint) {
  try {
    const fs::path& folder = checkpoint.path();
    if (checkpoint.container() != io::Container::kHuggingFace) {
      return fail(ErrorCode::kUnsupported,
                  "{}: an encoder is a Hugging Face folder with config.json and model.safetensors",
                  folder.string());
    }
    EncoderConfig out = read_shape(checkpoint.metadata(), (folder / "config.json").string());
    out.name = fs::canonical(folder).filename().string();
    read_modules(folder, out);
    read_prompts(folder, out);
    out.max_tokens = read_max_tokens(folder, out.n_positions);
    if (out.max_tokens < 3) {
      return fail(ErrorCode::kCorruptData,
                  "{}: texts of at most {} tokens leave no room beside [CLS] and [SEP]",
                  folder.string(),
                  out.max_tokens);
    }
    return out;
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::rag
