#include "model/runtime.h"

#include <nlohmann/json.hpp>

#include "model/config.h"
#include "model/config/key_reader.h"

namespace nibble::model {
namespace {

constexpr std::string_view kHeads = "heads";
constexpr std::string_view kAttended = "attended";
constexpr std::string_view kGated = "gated";

void read_hadamard(const Json& list, KeyReader& keys, Runtime& out) {
  for (const Json& place : list.is_array() ? list : Json::array({list})) {
    const std::string name = place.is_string() ? place.get<std::string>() : dump_json(place);
    if (name == kHeads) {
      out.rotates_heads = true;
    } else if (name == kAttended) {
      out.rotates_attended = true;
    } else if (name == kGated) {
      out.rotates_gated = true;
    } else {
      keys.reject(ErrorCode::kUnsupported,
                  "hadamard",
                  fmt::format("'{}' is not known; heads, attended and gated are", name));
    }
  }
}

ops::TokenRounding read_activations(const Json& value,
                                    KeyReader& parent,
                                    const std::string& where) {
  KeyReader keys(value, where + ": activations");
  ops::TokenRounding out;
  out.bits = keys.size("bits");
  out.clip = keys.number_or("clip", 1.0F);
  out.outliers = keys.number_or("outliers", 0.0F);
  if (out.bits < 2 || out.bits > 8 || !(out.clip > 0.0F) || out.clip > 1.0F ||
      out.outliers < 0.0F) {
    keys.reject(ErrorCode::kCorruptData,
                "bits",
                "wanted 2 to 8 bits, a clip above 0 and up to 1, outliers of 0 or more");
  }
  if (keys.failure()) {
    parent.adopt(*keys.failure());
  }
  return out;
}

}  // namespace

Result<Runtime> read_runtime(const Json& config_json, const std::string& where) {
  Runtime out;
  const auto settings = config_json.find("quantization_config");
  if (settings == config_json.end() || !settings->is_object() ||
      settings->value("quant_method", Json()) != "nibble" || !settings->contains("runtime")) {
    return out;
  }
  const Json& runtime = settings->at("runtime");
  const std::string here = where + ": quantization_config.runtime";
  KeyReader keys(runtime, here);
  if (!runtime.is_object()) {
    return fail(ErrorCode::kCorruptData, "{}: wanted an object", here);
  }
  for (const auto& [key, value] : runtime.items()) {
    if (key == "hadamard") {
      read_hadamard(value, keys, out);
    } else if (key == "activations") {
      out.activations = read_activations(value, keys, here);
    } else {
      keys.reject(ErrorCode::kUnsupported, key, "this version does not know it");
    }
  }
  return keys.failure() ? Result<Runtime>(*keys.failure()) : out;
}

Json runtime_json(const Runtime& runtime) {
  Json out;
  if (runtime.rotates_heads) {
    out["hadamard"].push_back(kHeads);
  }
  if (runtime.rotates_attended) {
    out["hadamard"].push_back(kAttended);
  }
  if (runtime.rotates_gated) {
    out["hadamard"].push_back(kGated);
  }
  if (runtime.activations.is_on()) {
    out["activations"] = {{"bits", runtime.activations.bits},
                          {"clip", runtime.activations.clip},
                          {"outliers", runtime.activations.outliers}};
  }
  return out;
}

std::string runtime_text(const ModelConfig& config) {
  const Runtime& runtime = config.runtime;
  std::string out;
  const auto add = [&](bool is_there, const std::string& text) {
    out += is_there ? (out.empty() ? "" : ", ") + text : "";
  };
  add(runtime.rotates_heads, "Hadamard transforms of queries and keys");
  add(runtime.rotates_attended, "Hadamard transforms before o_proj");
  add(runtime.rotates_gated, "Hadamard transforms before down_proj");
  add(runtime.activations.is_on(),
      fmt::format("activations rounded to {} bits", runtime.activations.bits));
  return out;
}

}  // namespace nibble::model
