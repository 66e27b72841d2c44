#include "text/tokenizer_spec.h"

#include <nlohmann/json.hpp>

#include "text/read/fields.h"

namespace nibble::text {
namespace {

/// The keys of a GGUF file; the companion file uses the same.
constexpr const char* kModel = "tokenizer.ggml.model";
constexpr const char* kPre = "tokenizer.ggml.pre";
constexpr const char* kTokens = "tokenizer.ggml.tokens";
constexpr const char* kScores = "tokenizer.ggml.scores";
constexpr const char* kTypes = "tokenizer.ggml.token_type";
constexpr const char* kMerges = "tokenizer.ggml.merges";
constexpr const char* kBos = "tokenizer.ggml.bos_token_id";
constexpr const char* kEos = "tokenizer.ggml.eos_token_id";
constexpr const char* kPad = "tokenizer.ggml.padding_token_id";
constexpr const char* kUnknown = "tokenizer.ggml.unknown_token_id";
constexpr const char* kAddBos = "tokenizer.ggml.add_bos_token";
constexpr const char* kAddEos = "tokenizer.ggml.add_eos_token";
constexpr const char* kAddSpacePrefix = "tokenizer.ggml.add_space_prefix";

GgufTokenizerSpec read_spec(const Json& object) {
  const Fields fields(object, "");
  GgufTokenizerSpec spec;
  spec.model = fields.required<std::string>(kModel);
  spec.pre = fields.optional<std::string>(kPre).value_or("");
  spec.tokens = fields.list<std::string>(kTokens);
  spec.scores = fields.list<float>(kScores);
  spec.types = fields.list<std::int32_t>(kTypes);
  spec.merges = fields.list<std::string>(kMerges);
  spec.bos = fields.optional<TokenId>(kBos);
  spec.eos = fields.optional<TokenId>(kEos);
  spec.pad = fields.optional<TokenId>(kPad);
  spec.unknown = fields.optional<TokenId>(kUnknown);
  spec.add_bos = fields.optional<bool>(kAddBos);
  spec.add_eos = fields.optional<bool>(kAddEos);
  spec.add_space_prefix = fields.optional<bool>(kAddSpacePrefix);
  return spec;
}

template <class T>
void put(Json& object, const char* key, const std::optional<T>& value) {
  if (value) {
    object[key] = *value;
  }
}

}  // namespace

Result<GgufTokenizerSpec> spec_from_gguf_metadata(const Json& metadata) {
  try {
    return read_spec(metadata);
  } catch (const Error& error) {
    return error.failure();
  }
}

std::string spec_to_json(const GgufTokenizerSpec& spec) {
  Json object = {{kModel, spec.model},
                 {kPre, spec.pre},
                 {kTokens, spec.tokens},
                 {kScores, spec.scores},
                 {kTypes, spec.types},
                 {kMerges, spec.merges}};
  put(object, kBos, spec.bos);
  put(object, kEos, spec.eos);
  put(object, kPad, spec.pad);
  put(object, kUnknown, spec.unknown);
  put(object, kAddBos, spec.add_bos);
  put(object, kAddEos, spec.add_eos);
  put(object, kAddSpacePrefix, spec.add_space_prefix);
  return dump_json(object);
}

Result<GgufTokenizerSpec> spec_from_json(std::string_view text, std::string_view where) {
  auto object = parse_json(text, where);
  if (!object) {
    return object.failure();
  }
  auto spec = spec_from_gguf_metadata(*object);
  return spec ? std::move(spec) : spec.failure().within(where);
}

}  // namespace nibble::text
