#include <algorithm>
#include <nlohmann/json.hpp>

#include "text/read/common.h"
#include "text/read/gguf_pre.h"
#include "text/read/huggingface_model.h"
#include "text/read/sentencepiece.h"
#include "text/tokenizer_spec.h"

namespace nibble::text {
namespace {

bool is_nfc(const std::vector<NormalizeStep>& steps) {
  return steps.size() == 1 && steps.front().kind == NormalizeStep::Kind::kNfc;
}

/// The name under which GGUF knows how words are cut.
std::string pre_name(const Fields& document, const PreTokenizerPlan& plan) {
  const auto& steps = plan.steps;
  const auto normalizer = read_normalizer(document.find("normalizer"));
  const bool digits_first = !steps.empty() && steps.front().kind == SplitStep::Kind::kDigits;
  const bool ignore_merges =
      document.object("model").optional<bool>("ignore_merges").value_or(false);
  const bool is_plain = steps.size() == (digits_first ? 2U : 1U) &&
                        steps.back().kind == SplitStep::Kind::kPattern &&
                        (normalizer.empty() || is_nfc(normalizer));
  const auto row = std::ranges::find_if(kGgufPre, [&](const PreRow& candidate) {
    return is_plain && candidate.name != "default" && candidate.pattern == steps.back().pattern &&
           candidate.digits_first == digits_first && candidate.nfc == is_nfc(normalizer) &&
           candidate.ignore_merges == ignore_merges;
  });
  if (row == kGgufPre.end()) {
    raise(ErrorCode::kUnsupported,
          "pre_tokenizer: GGUF has no name for this way of cutting words, as far as we know");
  }
  return std::string(row->name);
}

void add_tokens(std::vector<std::string> by_id,
                const std::vector<AddedEntry>& added,
                GgufTokenizerSpec& spec) {
  spec.types.assign(by_id.size(), static_cast<std::int32_t>(PieceType::kNormal));
  for (const AddedEntry& entry : added) {
    spec.types[static_cast<std::size_t>(entry.token.id)] =
        static_cast<std::int32_t>(entry.special ? PieceType::kControl : PieceType::kUserDefined);
  }
  for (std::size_t i = 0; i < by_id.size(); ++i) {
    if (by_id[i].empty()) {
      by_id[i] = fmt::format("[PAD{}]", i);
      spec.types[i] = static_cast<std::int32_t>(PieceType::kUnused);
    }
  }
  spec.tokens = std::move(by_id);
}

std::vector<std::string> merges_of(const Fields& model) {
  std::vector<std::string> out;
  for (const Json& merge : model.require("merges")) {
    out.push_back(merge.is_string() ? merge.get<std::string>()
                                    : fmt::format("{} {}",
                                                  merge.at(0).get_ref<const std::string&>(),
                                                  merge.at(1).get_ref<const std::string&>()));
  }
  return out;
}

/// `tokenizer` was read from the same file, so its form is known to be right.
GgufTokenizerSpec byte_level_spec(const Json& json, const Tokenizer& tokenizer) {
  const Fields document(json, "");
  const PreTokenizerPlan plan = read_pre_tokenizer(document.find("pre_tokenizer"));
  if (!plan.byte_level) {
    raise(ErrorCode::kUnsupported,
          "only byte-level BPE can be taken from it; for SentencePiece, GGUF wants the scores that "
          "stand in tokenizer.model");
  }
  const Fields model = document.object("model");
  const std::vector<AddedEntry> added = read_added_tokens(document);
  GgufTokenizerSpec spec;
  spec.model = "gpt2";
  spec.pre = pre_name(document, plan);
  add_tokens(read_vocabulary(model, added), added, spec);
  spec.merges = merges_of(model);
  const SpecialTokens& special = tokenizer.special();
  spec.bos = special.bos;
  spec.eos = special.eos;
  spec.pad = special.pad;
  spec.unknown = special.unknown;
  spec.add_bos = special.add_bos;
  spec.add_eos = special.add_eos;
  return spec;
}

}  // namespace

Result<GgufTokenizerSpec> spec_from_tokenizer_json(std::string_view tokenizer_json,
                                                   std::string_view tokenizer_config_json,
                                                   std::string_view where) {
  const auto tokenizer = make_tokenizer_from_json(tokenizer_json, tokenizer_config_json, where);
  if (!tokenizer) {
    return tokenizer.failure();
  }
  try {
    return byte_level_spec(parse_json(tokenizer_json, where).take(), **tokenizer);
  } catch (const Error& error) {
    return error.failure().within(where);
  }
}

Result<GgufTokenizerSpec> spec_from_sentencepiece(std::string_view model_bytes,
                                                  std::string_view where) {
  try {
    SentencePieceSource source = read_sentencepiece(model_bytes);
    GgufTokenizerSpec spec;
    spec.model = "llama";
    spec.pre = "default";
    spec.tokens = std::move(source.pieces);
    spec.scores = std::move(source.scores);
    spec.types = std::move(source.types);
    spec.bos = source.bos;
    spec.eos = source.eos;
    spec.pad = source.pad;
    spec.unknown = source.unknown;
    spec.add_bos = source.add_bos;
    spec.add_eos = source.add_eos;
    spec.add_space_prefix = source.add_prefix;
    return spec;
  } catch (const Error& error) {
    return error.failure().within(where);
  }
}

}  // namespace nibble::text
