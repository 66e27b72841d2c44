#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "text/read/common.h"
#include "text/read/gguf_pre.h"
#include "text/read/ranked_merges.h"
#include "text/read/sentencepiece.h"
#include "text/tokenizer_spec.h"
#include "text/vocab/byte_level.h"
#include "text/vocab/wordpiece.h"

namespace nibble::text {
namespace {

const PreRow& find_pre(std::string_view name) {
  const std::string_view wanted = name.empty() ? "default" : name;
  std::vector<std::string_view> known;
  for (const PreRow& row : kGgufPre) {
    if (row.name == wanted) {
      return row;
    }
    known.push_back(row.name);
  }
  raise(ErrorCode::kUnsupported,
        "tokenizer.ggml.pre: '{}' is not handled{}; known are {}",
        name,
        did_you_mean(name, known),
        fmt::join(known, ", "));
}

void check_ids(const GgufTokenizerSpec& spec) {
  const std::array<std::pair<std::string_view, std::optional<TokenId>>, 4> ids = {
      {{"bos", spec.bos}, {"eos", spec.eos}, {"padding", spec.pad}, {"unknown", spec.unknown}}};
  for (const auto& [name, id] : ids) {
    if (id && (*id < 0 || static_cast<std::size_t>(*id) >= spec.tokens.size())) {
      raise(ErrorCode::kCorruptData,
            "tokenizer.ggml.{}_token_id: {} is outside the vocabulary of {} tokens",
            name,
            *id,
            spec.tokens.size());
    }
  }
}

void check(GgufTokenizerSpec& spec) {
  if (spec.tokens.empty()) {
    raise(ErrorCode::kCorruptData, "tokenizer.ggml.tokens: no tokens");
  }
  if (spec.types.empty()) {
    spec.types.assign(spec.tokens.size(), static_cast<std::int32_t>(PieceType::kNormal));
  }
  if (spec.types.size() != spec.tokens.size()) {
    raise(ErrorCode::kCorruptData,
          "tokenizer.ggml.token_type: {} types for {} tokens",
          spec.types.size(),
          spec.tokens.size());
  }
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    if (utf8::first_invalid(spec.tokens[i])) {
      raise(ErrorCode::kCorruptData, "tokenizer.ggml.tokens: token {} is not UTF-8", i);
    }
    if (spec.types[i] < 1 || spec.types[i] > 6) {
      raise(ErrorCode::kCorruptData,
            "tokenizer.ggml.token_type: {} of token {} is none of 1 to 6",
            spec.types[i],
            i);
    }
  }
  check_ids(spec);
}

bool has_type(const GgufTokenizerSpec& spec, std::size_t i, PieceType type) {
  return spec.types[i] == static_cast<std::int32_t>(type);
}

std::string hash_of(const GgufTokenizerSpec& spec) {
  Sha256 hash;
  hash.field(spec.model).field(spec.pre);
  for (const auto* list : {&spec.tokens, &spec.merges}) {
    hash.field(std::to_string(list->size()));
    for (const std::string& text : *list) {
      hash.field(text);
    }
  }
  hash.bytes(std::as_bytes(std::span(spec.types)));
  return hash.hex();
}

/// Control and user-defined tokens are found where the text writes them; control tokens are
/// special.
void collect_tokens(const GgufTokenizerSpec& spec, PipelineParts& parts) {
  std::vector<AddedToken> written;
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    const bool control = has_type(spec, i, PieceType::kControl);
    const bool user = has_type(spec, i, PieceType::kUserDefined);
    if (control || user) {
      written.push_back({static_cast<TokenId>(i), spec.tokens[i]});
    }
    parts.spellings.add(spec.tokens[i]);
    parts.is_special.push_back(control || (user && is_turn_mark(spec.tokens[i])));
  }
  parts.written_tokens = AddedTokens(std::move(written));
}

void finish(const GgufTokenizerSpec& spec, bool adds_bos, PipelineParts& parts) {
  parts.special = {spec.bos,
                   spec.eos,
                   spec.pad,
                   spec.unknown,
                   spec.add_bos.value_or(adds_bos && spec.bos.has_value()),
                   spec.add_eos.value_or(false),
                   {}};
  put_around(parts);
  find_end_of_generation(parts);
  parts.hash = hash_of(spec);
}

std::unique_ptr<Tokenizer> make_byte_level(const GgufTokenizerSpec& spec) {
  const PreRow& pre = find_pre(spec.pre);
  PipelineParts parts;
  collect_tokens(spec, parts);
  BpeParts bpe;
  bpe.n_ids = spec.tokens.size();
  bpe.byte_symbols = true;
  bpe.ignore_merges = pre.ignore_merges;
  bpe.pieces = StringIndex(bpe.n_ids);
  StringIndex spelled(bpe.n_ids);
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const auto bytes =
        has_type(spec, i, PieceType::kNormal) ? bytes_of_spelling(spec.tokens[i]) : std::nullopt;
    if (bytes) {
      bpe.pieces.set(*bytes, id);
      spelled.set(spec.tokens[i], id);
    }
    parts.pieces.add(bytes ? *bytes : has_type(spec, i, PieceType::kUnused) ? "" : spec.tokens[i]);
  }
  std::vector<MergePair> merges;
  merges.reserve(spec.merges.size());
  for (std::size_t i = 0; i < spec.merges.size(); ++i) {
    merges.push_back(parse_merge(spec.merges[i], i));
  }
  add_ranked_merges(bpe, spelled, merges);
  std::vector<SplitStep> steps;
  if (pre.digits_first) {
    steps.push_back({SplitStep::Kind::kDigits});
  }
  steps.push_back({SplitStep::Kind::kPattern, pre.pattern});
  parts.pre_tokenizer = PreTokenizer(std::move(steps));
  if (pre.nfc) {
    parts.normalizer = Normalizer({{NormalizeStep::Kind::kNfc, "", ""}});
  }
  parts.model = std::make_unique<Bpe>(std::move(bpe));
  finish(spec, pre.adds_bos, parts);
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

std::unique_ptr<Tokenizer> make_sentencepiece_from(GgufTokenizerSpec spec) {
  SentencePieceSource source;
  source.pieces = std::move(spec.tokens);
  source.scores = std::move(spec.scores);
  source.types = std::move(spec.types);
  source.bos = spec.bos;
  source.eos = spec.eos;
  source.pad = spec.pad;
  source.unknown = spec.unknown;
  source.add_bos = spec.add_bos.value_or(spec.bos.has_value());
  source.add_eos = spec.add_eos.value_or(false);
  source.add_prefix = spec.add_space_prefix.value_or(true);
  source.finds_written = true;
  return make_sentencepiece(std::move(source));
}

TokenId require_token(const GgufTokenizerSpec& spec, std::string_view text) {
  const auto at = std::ranges::find(spec.tokens, text);
  if (at == spec.tokens.end()) {
    raise(ErrorCode::kCorruptData,
          "tokenizer.ggml.tokens: no token '{}', which WordPiece needs",
          text);
  }
  return static_cast<TokenId>(at - spec.tokens.begin());
}

/// GGUF spells the start of a word "▁word" and its continuation "ing"; vocab.txt "word" and
/// "##ing".
std::unique_ptr<Tokenizer> make_wordpiece(const GgufTokenizerSpec& spec) {
  PipelineParts parts;
  collect_tokens(spec, parts);
  WordPieceParts model;
  model.starts = StringIndex(spec.tokens.size());
  model.continuations = StringIndex(spec.tokens.size());
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    const std::string_view token = spec.tokens[i];
    const bool normal = has_type(spec, i, PieceType::kNormal);
    const bool starts = token.starts_with(kBlank);
    const std::string_view text = starts ? token.substr(kBlank.size()) : token;
    if (normal) {
      (starts ? model.starts : model.continuations).set(text, static_cast<TokenId>(i));
      model.longest_token_bytes = std::max(model.longest_token_bytes, text.size());
    }
    parts.pieces.add(normal && !starts ? std::string(text)
                                       : tidy_wordpiece(std::string(" ").append(text)));
  }
  const TokenId unknown = require_token(spec, "[UNK]");
  model.unknown = spec.unknown.value_or(unknown);
  parts.is_special[static_cast<std::size_t>(model.unknown)] = true;
  parts.normalizer = Normalizer(bert_steps({}));
  parts.pre_tokenizer = PreTokenizer({{SplitStep::Kind::kBert}});
  parts.model = std::make_unique<WordPiece>(std::move(model));
  parts.drops_first_blank = true;
  GgufTokenizerSpec framed = spec;
  framed.bos = require_token(spec, "[CLS]");
  framed.eos = require_token(spec, "[SEP]");
  framed.add_bos = spec.add_bos.value_or(true);
  framed.add_eos = spec.add_eos.value_or(true);
  finish(framed, true, parts);
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_tokenizer(GgufTokenizerSpec spec) {
  return reading("tokenizer", [&]() -> std::unique_ptr<Tokenizer> {
    check(spec);
    if (spec.model == "gpt2") {
      return make_byte_level(spec);
    }
    if (spec.model == "llama") {
      return make_sentencepiece_from(std::move(spec));
    }
    if (spec.model == "bert") {
      return make_wordpiece(spec);
    }
    raise(ErrorCode::kUnsupported,
          "tokenizer.ggml.model: '{}' is not handled; known are gpt2, llama, bert",
          spec.model);
  });
}

}  // namespace nibble::text
