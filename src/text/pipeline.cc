#include "text/pipeline.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/utf8.h"

namespace nibble::text {
namespace {

/// The reader's hash, and what files beside the vocabulary may say otherwise.
std::string full_hash(const PipelineParts& parts) {
  const SpecialTokens& special = parts.special;
  Sha256 hash;
  hash.field(parts.hash);
  for (const std::optional<TokenId>& id :
       {special.bos, special.eos, special.pad, special.unknown}) {
    hash.field(id ? fmt::format("{}", *id) : "none");
  }
  hash.field(fmt::format("{} {}", special.add_bos, special.add_eos));
  for (const auto* ids : {&parts.prefix, &parts.suffix, &special.end_of_generation}) {
    hash.field(fmt::format("{}", fmt::join(*ids, " ")));
  }
  return hash.hex();
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(PipelineParts parts) : parts_(std::move(parts)) {
  NIBBLE_CHECK(parts_.spellings.size() == parts_.pieces.size() &&
                   parts_.spellings.size() == parts_.is_special.size(),
               "tokenizer tables differ in size");
  parts_.hash = full_hash(parts_);
}

Result<std::vector<TokenId>> PipelineTokenizer::encode(std::string_view text,
                                                       AddSpecial add_special) const {
  if (const auto offset = utf8::first_invalid(text)) {
    return fail(ErrorCode::kInvalidArgument, "text: byte {} is not UTF-8", *offset);
  }
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 4 + 8);
  if (add_special == AddSpecial::kYes) {
    ids = parts_.prefix;
  }
  try {
    parts_.written_tokens.split(
        text,
        [&](std::string_view segment) {
          encode_segment(segment, segment.data() == text.data(), ids);
        },
        [&](TokenId id) { ids.push_back(id); });
  } catch (const Error& error) {
    return error.failure();
  }
  if (add_special == AddSpecial::kYes) {
    ids.insert(ids.end(), parts_.suffix.begin(), parts_.suffix.end());
  }
  return ids;
}

void PipelineTokenizer::encode_segment(std::string_view segment,
                                       bool at_start,
                                       std::vector<TokenId>& ids) const {
  std::string storage;
  const std::string_view normalized = parts_.normalizer.apply(segment, storage);
  parts_.normalized_tokens.split(
      normalized,
      [&](std::string_view part) {
        parts_.pre_tokenizer.split(part,
                                   at_start && part.data() == normalized.data(),
                                   [&](std::string_view word) { parts_.model->encode(word, ids); });
      },
      [&](TokenId id) { ids.push_back(id); });
}

Result<std::string> PipelineTokenizer::decode(std::span<const TokenId> ids,
                                              SkipSpecial skip_special) const {
  std::string bytes;
  bool at_start = true;  // until a token adds something: its first blank may be all that it adds
  for (const TokenId id : ids) {
    if (!parts_.spellings.contains(id)) {
      return fail(ErrorCode::kInvalidArgument,
                  "token id {} is outside the vocabulary of {} tokens",
                  id,
                  vocab_size());
    }
    if (skip_special == SkipSpecial::kNo || !is_special(id)) {
      bytes += at_start ? first_piece(id) : parts_.pieces.at(id);
      at_start = at_start && parts_.pieces.at(id).empty();
    }
  }
  std::string text;
  text.reserve(bytes.size());
  append_lossy(text, bytes, parts_.malformed);
  return text;
}

std::size_t PipelineTokenizer::vocab_size() const noexcept {
  return parts_.spellings.size();
}

bool PipelineTokenizer::is_special(TokenId id) const {
  return parts_.is_special[static_cast<std::size_t>(id)];
}

std::string_view PipelineTokenizer::first_piece(TokenId id) const {
  std::string_view piece = parts_.pieces.at(id);
  if (!parts_.drops_first_blank) {
    return piece;
  }
  if (piece.starts_with(' ')) {
    piece.remove_prefix(1);
    return piece;
  }
  const std::string_view spelling = parts_.spellings.at(id);
  const bool continues =
      !parts_.continuation_mark.empty() && spelling.starts_with(parts_.continuation_mark);
  return continues ? spelling : piece;
}

std::string PipelineTokenizer::token_bytes(TokenId id) const {
  if (!parts_.pieces.contains(id) || is_special(id)) {
    return {};
  }
  return std::string(parts_.pieces.at(id));
}

std::string PipelineTokenizer::first_token_bytes(TokenId id) const {
  if (!parts_.pieces.contains(id) || is_special(id)) {
    return {};
  }
  return std::string(first_piece(id));
}

std::optional<std::string_view> PipelineTokenizer::token_text(TokenId id) const {
  if (!parts_.spellings.contains(id)) {
    return std::nullopt;
  }
  return parts_.spellings.at(id);
}

bool ends_a_turn(std::string_view spelling) noexcept {
  static constexpr std::array<std::string_view, 11> kNames = {"<|im_end|>",
                                                              "<end_of_turn>",
                                                              "<|eot_id|>",
                                                              "<|eom_id|>",
                                                              "<|endoftext|>",
                                                              "<|end_of_text|>",
                                                              "<|end|>",
                                                              "<eos>",
                                                              "</s>",
                                                              "<EOT>",
                                                              "<|eot|>"};
  return std::ranges::find(kNames, spelling) != kNames.end();
}

void find_end_of_generation(PipelineParts& parts) {
  std::vector<TokenId>& ends = parts.special.end_of_generation;
  ends.clear();
  if (parts.special.eos) {
    ends.push_back(*parts.special.eos);
  }
  for (std::size_t i = 0; i < parts.is_special.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (parts.is_special[i] && id != parts.special.eos && ends_a_turn(parts.spellings.at(id))) {
      ends.push_back(id);
    }
  }
}

}  // namespace nibble::text
