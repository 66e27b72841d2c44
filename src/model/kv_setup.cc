#include "model/kv_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace nibble::model {
namespace {

/// The scheme that config.json names; nullptr when it names none.
Result<const codec::KvScheme*> named_scheme(const io::Checkpoint& checkpoint) {
  const Json& metadata = checkpoint.metadata();
  if (checkpoint.container() == io::Container::kGguf || !metadata.is_object()) {
    return nullptr;
  }
  const Json settings = metadata.value("quantization_config", Json::object());
  const Json name = settings.is_object() ? settings.value("kv", Json()) : Json();
  if (settings.is_object() && settings.value("quant_method", Json()) != "nibble") {
    return nullptr;
  }
  return name.is_string() ? codec::kv_scheme_from_name(name.get<std::string>())
                          : Result<const codec::KvScheme*>(nullptr);
}

std::vector<float> numbers(const Json& layer, const char* key) {
  std::vector<float> out;
  const Json list = layer.is_object() ? layer.value(key, Json::array()) : Json::array();
  for (const Json& x : list) {
    if (!x.is_number()) {
      raise(ErrorCode::kCorruptData, "{}: {}: expected numbers", kKvTablesFile, key);
    }
    out.push_back(x.get<float>());
  }
  return out;
}

codec::KvTables read_layer(const Json& layer) {
  codec::KvTables tables;
  tables.key_levels = numbers(layer, "key_levels");
  tables.value_levels = numbers(layer, "value_levels");
  const std::vector<float> lower = numbers(layer, "key_lower");
  const std::vector<float> upper = numbers(layer, "key_upper");
  for (std::size_t i = 0; i < std::min(lower.size(), upper.size()); ++i) {
    tables.key_limits.push_back({lower[i], upper[i]});
  }
  return codec::complete_tables(std::move(tables));
}

Result<KvTableList> load_tables(const io::Checkpoint& checkpoint,
                                const codec::KvScheme& scheme,
                                const ModelConfig& config) {
  const bool is_folder = checkpoint.container() != io::Container::kGguf;
  const auto text = is_folder ? checkpoint.companion(kKvTablesFile)
                              : Result<std::string>(fail(ErrorCode::kNotFound, "a GGUF file"));
  if (!text) {
    return fail(ErrorCode::kNotFound,
                "{}: key/value scheme {} needs the tables of a calibration, which are not here; "
                "nibble quantize with the recipe {} makes a folder that has them",
                checkpoint.path().string(),
                scheme.name,
                scheme.name);
  }
  const auto json = parse_json(*text, (checkpoint.path() / kKvTablesFile).string());
  return json ? parse_kv_tables(*json, scheme, config) : Result<KvTableList>(json.failure());
}

}  // namespace

KvSetup default_kv_setup(Arithmetic arithmetic) {
  const bool is_f32 = arithmetic == Arithmetic::kF32;
  return kv_setup(*codec::kv_scheme_from_name(is_f32 ? "f32" : "f16").take(), arithmetic);
}

KvSetup kv_setup(const codec::KvScheme& scheme, Arithmetic arithmetic) {
  const DType usual = arithmetic == Arithmetic::kF32 ? DType::kF32 : DType::kF16;
  return {&scheme, scheme.is_coded() ? usual : scheme.float_dtype, nullptr};
}

Result<KvSetup> read_kv_setup(const io::Checkpoint& checkpoint,
                              const ModelConfig& config,
                              Arithmetic arithmetic,
                              const codec::KvScheme* asked) {
  const auto named = asked != nullptr ? asked : named_scheme(checkpoint);
  if (!named) {
    return named.failure().within(checkpoint.path().string());
  }
  if (*named == nullptr) {
    return default_kv_setup(arithmetic);
  }
  KvSetup setup = kv_setup(**named, arithmetic);
  if (setup.scheme->is_coded() && config.head_dim % 16 != 0) {
    return fail(ErrorCode::kUnsupported,
                "{}: key/value scheme {}: heads of {}, a multiple of 16 is wanted",
                checkpoint.path().string(),
                setup.name(),
                config.head_dim);
  }
  if (setup.scheme->keys_before_rope && config.runtime.rotates_heads) {
    return fail(ErrorCode::kUnsupported,
                "{}: key/value scheme {}: codes keys before RoPE, but this model's are rotated "
                "behind it",
                checkpoint.path().string(),
                setup.name());
  }
  if (setup.scheme->needs_tables()) {
    auto tables = load_tables(checkpoint, *setup.scheme, config);
    if (!tables) {
      return tables.failure();
    }
    setup.tables = std::make_shared<KvTableList>(std::move(*tables));
  }
  return setup;
}

Json kv_tables_json(const codec::KvScheme& scheme, const KvTableList& tables) {
  Json layers = Json::array();
  for (const codec::KvTables& table : tables) {
    Json lower = Json::array();
    Json upper = Json::array();
    for (const codec::KvLimits& limits : table.key_limits) {
      lower.push_back(limits.lower);
      upper.push_back(limits.upper);
    }
    layers.push_back({{"key_levels", table.key_levels},
                      {"value_levels", table.value_levels},
                      {"key_lower", std::move(lower)},
                      {"key_upper", std::move(upper)}});
  }
  return {{"scheme", scheme.name}, {"layers", std::move(layers)}};
}

Result<KvTableList> parse_kv_tables(const Json& json,
                                    const codec::KvScheme& scheme,
                                    const ModelConfig& config) {
  const Json none;
  const Json name = json.is_object() ? json.value("scheme", none) : none;
  if (name != scheme.name) {
    return fail(ErrorCode::kNotFound,
                "{}: these are tables of {}, not of {}",
                kKvTablesFile,
                dump_json(name),
                scheme.name);
  }
  const Json layers = json.value("layers", Json::array());
  if (layers.size() != config.n_layers) {
    return fail(ErrorCode::kCorruptData,
                "{}: {} layers, the model has {}",
                kKvTablesFile,
                layers.size(),
                config.n_layers);
  }
  KvTableList out;
  try {
    std::ranges::transform(layers, std::back_inserter(out), read_layer);
  } catch (const Error& error) {
    return error.failure();
  }
  for (const codec::KvTables& tables : out) {
    const auto sound =
        codec::check_kv_tables(tables, {config.n_kv_heads, config.head_dim}, scheme.keys.bits);
    if (!sound) {
      return sound.failure().within(std::string(kKvTablesFile));
    }
  }
  return out;
}

}  // namespace nibble::model
