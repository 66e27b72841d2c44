#include "text/read/huggingface_model.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "text/read/common.h"
#include "text/read/ranked_merges.h"
#include "text/vocab/byte_level.h"
#include "text/vocab/wordpiece.h"

namespace nibble::text {
namespace {

/// Ids above this many times the number of tokens are a broken file, not a sparse one.
constexpr std::size_t kSparsest = 4;
constexpr std::size_t kSparseSlack = 65536;

const Json& vocabulary_of(const Fields& model) {
  const Json& vocab = model.require("vocab");
  if (!vocab.is_object()) {
    raise(ErrorCode::kUnsupported, "{}: expected an object of token ids", model.name("vocab"));
  }
  return vocab;
}

TokenId id_of(const Json& value, const Fields& model, std::string_view token) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0x7FFFFFFF) {
    raise(ErrorCode::kCorruptData, "{}: '{}' has no proper id", model.name("vocab"), token);
  }
  return value.get<TokenId>();
}

void put(std::vector<std::string>& by_id, std::size_t limit, TokenId id, std::string_view token) {
  const auto i = static_cast<std::size_t>(id);
  if (i >= limit) {
    raise(
        ErrorCode::kCorruptData, "token '{}': id {} is far above the number of tokens", token, id);
  }
  if (i >= by_id.size()) {
    by_id.resize(i + 1);
  }
  if (!by_id[i].empty() && by_id[i] != token) {
    raise(ErrorCode::kCorruptData, "id {} belongs to '{}' and to '{}'", id, by_id[i], token);
  }
  by_id[i] = token;
}

std::vector<MergePair> read_merges(const Fields& model) {
  const Json& list = model.require("merges");
  if (!list.is_array()) {
    raise(ErrorCode::kCorruptData, "{}: expected a list", model.name("merges"));
  }
  std::vector<MergePair> merges;
  merges.reserve(list.size());
  for (const Json& merge : list) {
    if (merge.is_string()) {
      merges.push_back(parse_merge(merge.get_ref<const std::string&>(), merges.size()));
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      merges.emplace_back(merge[0].get_ref<const std::string&>(),
                          merge[1].get_ref<const std::string&>());
    } else {
      raise(ErrorCode::kCorruptData,
            "{}[{}]: expected two tokens",
            model.name("merges"),
            merges.size());
    }
  }
  return merges;
}

TokenId require_id(const StringIndex& spellings, const Fields& model, std::string_view key) {
  const auto token = model.required<std::string>(key);
  const auto id = spellings.find(token);
  if (!id) {
    raise(ErrorCode::kCorruptData, "{}: '{}' is not in the vocabulary", model.name(key), token);
  }
  return *id;
}

/// What BPE models may say beside what is read: only their empty values.
void refuse_bpe_extras(const Fields& model, bool byte_level) {
  model.only({"type",
              "dropout",
              "unk_token",
              "continuing_subword_prefix",
              "end_of_word_suffix",
              "fuse_unk",
              "byte_fallback",
              "ignore_merges",
              "vocab",
              "merges"});
  if (model.optional<float>("dropout").value_or(0) > 0) {
    raise(ErrorCode::kUnsupported, "{}: not handled", model.name("dropout"));
  }
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.optional<std::string>(key).value_or("").empty()) {
      raise(ErrorCode::kUnsupported, "{}: not handled", model.name(key));
    }
  }
  if (byte_level && model.optional<bool>("byte_fallback").value_or(false)) {
    raise(ErrorCode::kUnsupported, "{}: not handled with ByteLevel", model.name("byte_fallback"));
  }
}

WordModelPlan read_bpe(const Fields& model, std::size_t n_ids, bool byte_level) {
  refuse_bpe_extras(model, byte_level);
  const Json& vocab = vocabulary_of(model);
  BpeParts bpe;
  bpe.n_ids = n_ids;
  bpe.byte_symbols = byte_level;
  bpe.ignore_merges = model.optional<bool>("ignore_merges").value_or(false);
  bpe.fuse_unknown = model.optional<bool>("fuse_unk").value_or(false);
  bpe.pieces = StringIndex(vocab.size());
  const bool byte_tokens = model.optional<bool>("byte_fallback").value_or(false);
  StringIndex spellings(vocab.size());
  BlankCuts cuts;
  for (const auto& [token, value] : vocab.items()) {
    const TokenId id = id_of(value, model, token);
    spellings.set(token, id);
    const auto text = byte_level ? bytes_of_spelling(token) : std::optional(token);
    if (text) {
      bpe.pieces.set(*text, id);
    }
    cuts.add(token);
    if (const auto byte = byte_tokens ? byte_of_token(token) : std::nullopt) {
      bpe.byte_tokens[*byte] = id;
    }
  }
  if (model.find("unk_token") != nullptr) {
    bpe.unknown = require_id(spellings, model, "unk_token");
  }
  add_ranked_merges(bpe, spellings, read_merges(model));
  WordModelPlan plan;

  if (!byte_level) {
    plan.blank_cuts = cuts.step(bpe.pieces);
  }
  plan.model = std::make_unique<Bpe>(std::move(bpe));
  return plan;
}

WordModelPlan read_wordpiece(const Fields& model) {
  model.only(
      {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"});
  const Json& vocab = vocabulary_of(model);
  const auto mark = model.optional<std::string>("continuing_subword_prefix").value_or("##");
  WordPieceParts parts;
  parts.starts = StringIndex(vocab.size());
  parts.continuations = StringIndex(vocab.size());
  const auto longest = model.optional<std::int32_t>("max_input_chars_per_word").value_or(100);
  parts.max_word_chars = static_cast<std::size_t>(std::clamp(longest, 0, 1 << 20));
  StringIndex spellings(vocab.size());
  for (const auto& [token, value] : vocab.items()) {
    const TokenId id = id_of(value, model, token);
    const std::string_view text = token;
    spellings.set(text, id);
    parts.starts.set(text, id);
    if (text.starts_with(mark)) {
      parts.continuations.set(text.substr(mark.size()), id);
    }
    parts.longest_token_bytes = std::max(parts.longest_token_bytes, text.size());
  }
  parts.unknown = require_id(spellings, model, "unk_token");
  WordModelPlan plan;
  plan.model = std::make_unique<WordPiece>(std::move(parts));
  return plan;
}

}  // namespace

std::vector<AddedEntry> read_added_tokens(const Fields& document) {
  std::vector<AddedEntry> entries;
  for (const Fields& item : document.objects("added_tokens")) {
    item.only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
    AddedEntry entry;
    entry.token = {item.required<TokenId>("id"),
                   item.required<std::string>("content"),
                   item.optional<bool>("single_word").value_or(false),
                   item.optional<bool>("lstrip").value_or(false),
                   item.optional<bool>("rstrip").value_or(false)};
    entry.special = item.optional<bool>("special").value_or(false);
    entry.normalized = item.optional<bool>("normalized").value_or(!entry.special);
    if (entry.token.id < 0) {
      raise(ErrorCode::kCorruptData, "{}: negative", item.name("id"));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<std::string> read_vocabulary(const Fields& model,
                                         const std::vector<AddedEntry>& added) {
  const Json& vocab = vocabulary_of(model);
  const std::size_t limit = kSparsest * (vocab.size() + added.size()) + kSparseSlack;
  std::vector<std::string> by_id;
  by_id.reserve(vocab.size() + added.size());
  for (const auto& [token, value] : vocab.items()) {
    put(by_id, limit, id_of(value, model, token), token);
  }
  for (const AddedEntry& entry : added) {
    put(by_id, limit, entry.token.id, entry.token.text);
  }
  return by_id;
}

WordModelPlan read_word_model(const Fields& model, std::size_t n_ids, bool byte_level) {
  // Files from before version 0.10 of the package do not name the type.
  const auto type = model.optional<std::string>("type").value_or(
      model.find("merges") != nullptr ? "BPE" : "WordPiece");
  if (type == "BPE") {
    return read_bpe(model, n_ids, byte_level);
  }
  if (type == "WordPiece" && !byte_level) {
    return read_wordpiece(model);
  }
  raise(ErrorCode::kUnsupported, "{}: '{}' is not handled", model.name("type"), type);
}

}  // namespace nibble::text
