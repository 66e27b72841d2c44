#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "text/read/common.h"
#include "text/read/huggingface_model.h"
#include "text/tokenizer_spec.h"

namespace nibble::text {
namespace {

std::optional<TokenId> find_token(const std::vector<std::string>& by_id, std::string_view token) {
  const auto at = std::ranges::find(by_id, token);
  return at == by_id.end() ? std::nullopt : std::optional(static_cast<TokenId>(at - by_id.begin()));
}

/// A token of tokenizer_config.json: a text, or an object with its content.
std::optional<TokenId> read_named_token(const Fields& config,
                                        std::string_view key,
                                        const std::vector<std::string>& by_id) {
  const Json* value = config.find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  const auto token = value->is_object() ? config.object(key).required<std::string>("content")
                                        : config.required<std::string>(key);
  const auto id = find_token(by_id, token);
  if (!id) {
    raise(ErrorCode::kCorruptData,
          "tokenizer_config.json: {}: '{}' is not in the vocabulary",
          key,
          token);
  }
  return id;
}

void read_config(std::string_view text,
                 const std::vector<std::string>& by_id,
                 PipelineParts& parts) {
  SpecialTokens& special = parts.special;
  if (!text.empty()) {
    const Json json = parse_json(text, "tokenizer_config.json").take();
    const Fields config(json, "");
    special.bos = read_named_token(config, "bos_token", by_id);
    special.eos = read_named_token(config, "eos_token", by_id);
    special.pad = read_named_token(config, "pad_token", by_id);
    special.unknown = read_named_token(config, "unk_token", by_id);
    if (parts.prefix.empty() && parts.suffix.empty()) {
      special.add_bos = config.optional<bool>("add_bos_token").value_or(false);
      special.add_eos = config.optional<bool>("add_eos_token").value_or(false);
      put_around(parts);
      return;
    }
  }
  special.add_bos = special.bos && !parts.prefix.empty() && parts.prefix.front() == *special.bos;
  special.add_eos = special.eos && !parts.suffix.empty() && parts.suffix.back() == *special.eos;
}

/// Tokens to look for in the text. A normalised one is found, and decoded, as the normaliser writes
/// it.
void collect_tokens(const std::vector<AddedEntry>& added,
                    PipelineParts& parts,
                    std::vector<std::string>& decoded_as) {
  std::vector<AddedToken> written;
  std::vector<AddedToken> normalized;
  for (const AddedEntry& entry : added) {
    AddedToken token = entry.token;
    const auto id = static_cast<std::size_t>(token.id);
    if (entry.normalized) {
      std::string storage;
      token.text = parts.normalizer.apply(entry.token.text, storage);
      decoded_as[id] = token.text;
    }
    (entry.normalized ? normalized : written).push_back(std::move(token));
    parts.is_special[id] = entry.special;
  }
  parts.written_tokens = AddedTokens(std::move(written));
  parts.normalized_tokens = AddedTokens(std::move(normalized));
}

void fill_tables(const Fields& document,
                 const std::vector<std::string>& by_id,
                 const std::vector<AddedEntry>& added,
                 PipelineParts& parts) {
  const DecodePlan decode = read_decoder(document.find("decoder"));
  parts.drops_first_blank = decode.drops_first_blank;
  parts.continuation_mark = decode.continuation_mark;
  parts.malformed = decode.byte_tokens ? Malformed::kByte : Malformed::kSequence;
  parts.is_special.resize(by_id.size());
  std::vector<std::string> decoded_as = by_id;
  collect_tokens(added, parts, decoded_as);
  for (std::size_t i = 0; i < by_id.size(); ++i) {
    parts.spellings.add(by_id[i]);
    parts.pieces.add(by_id[i].empty() ? "" : decode_piece(decode, decoded_as[i]));
  }
}

void check_frame(const PipelineParts& parts) {
  for (const auto* ids : {&parts.prefix, &parts.suffix}) {
    for (const TokenId id : *ids) {
      if (!parts.spellings.contains(id)) {
        raise(ErrorCode::kCorruptData, "post_processor: id {} is outside the vocabulary", id);
      }
    }
  }
}

std::unique_ptr<Tokenizer> read_tokenizer(const Json& json,
                                          std::string_view text,
                                          std::string_view config) {
  const Fields document(json, "");
  document.only({"version",
                 "truncation",
                 "padding",
                 "added_tokens",
                 "normalizer",
                 "pre_tokenizer",
                 "post_processor",
                 "decoder",
                 "model"});
  const Fields model = document.object("model");
  const std::vector<AddedEntry> added = read_added_tokens(document);
  const std::vector<std::string> by_id = read_vocabulary(model, added);

  PipelineParts parts;
  parts.normalizer = Normalizer(read_normalizer(document.find("normalizer")));
  fill_tables(document, by_id, added, parts);

  PreTokenizerPlan pre = read_pre_tokenizer(document.find("pre_tokenizer"));
  WordModelPlan words = read_word_model(model, by_id.size(), pre.byte_level);
  if (words.blank_cuts) {
    pre.steps.push_back(std::move(*words.blank_cuts));
  }
  parts.pre_tokenizer = PreTokenizer(std::move(pre.steps));
  parts.model = std::move(words.model);

  Frame frame = read_post_processor(document.find("post_processor"));
  parts.prefix = std::move(frame.prefix);
  parts.suffix = std::move(frame.suffix);
  check_frame(parts);
  read_config(config, by_id, parts);
  find_end_of_generation(parts);
  parts.hash = sha256_hex(text);
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_tokenizer_from_json(std::string_view tokenizer_json,
                                                            std::string_view tokenizer_config_json,
                                                            std::string_view where) {
  auto json = parse_json(tokenizer_json, where);
  if (!json) {
    return json.failure();
  }
  return reading(where,
                 [&] { return read_tokenizer(*json, tokenizer_json, tokenizer_config_json); });
}

}  // namespace nibble::text
