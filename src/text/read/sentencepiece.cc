#include "text/read/sentencepiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/hash.h"
#include "base/utf8.h"
#include "text/pipeline.h"
#include "text/read/common.h"
#include "text/vocab/bpe.h"

namespace nibble::text {
namespace {

/// All ways to cut a piece in two are tried; real pieces have at most some dozen characters.
constexpr std::size_t kLongestPiece = 512;

bool has_type(const SentencePieceSource& source, std::size_t i, PieceType type) {
  return source.types[i] == static_cast<std::int32_t>(type);
}

void check(const SentencePieceSource& source) {
  const std::size_t n = source.pieces.size();
  if (source.scores.size() != n || source.types.size() != n) {
    raise(ErrorCode::kCorruptData,
          "{} pieces, {} scores, {} types; all three must agree",
          n,
          source.scores.size(),
          source.types.size());
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (std::isnan(source.scores[i])) {
      raise(ErrorCode::kCorruptData, "score {} is not a number", i);
    }
    if (has_type(source, i, PieceType::kByte) && !byte_of_token(source.pieces[i])) {
      raise(ErrorCode::kCorruptData, "piece {}: '{}' is not <0x00> to <0xFF>", i, source.pieces[i]);
    }
    if (has_type(source, i, PieceType::kNormal) && source.pieces[i].size() > kLongestPiece) {
      raise(ErrorCode::kUnsupported,
            "piece {} has {} bytes, at most {} are handled",
            i,
            source.pieces[i].size(),
            kLongestPiece);
    }
  }
}

/// Scores as ranks: 0 for the best; equal scores have equal ranks.
std::vector<std::uint32_t> rank_scores(const std::vector<float>& scores) {
  std::vector<float> distinct = scores;
  std::ranges::sort(distinct, std::greater<>());
  distinct.erase(std::ranges::unique(distinct).begin(), distinct.end());
  std::vector<std::uint32_t> ranks;
  ranks.reserve(scores.size());
  for (const float score : scores) {
    const auto at = std::ranges::lower_bound(distinct, score, std::greater<>());
    ranks.push_back(static_cast<std::uint32_t>(at - distinct.begin()));
  }
  return ranks;
}

/// Finds the id of a part of a piece; single characters without a token get ids behind the
/// vocabulary.
TokenId part_id(BpeParts& parts, std::string_view part) {
  if (const auto id = parts.pieces.find(part)) {
    return *id;
  }
  if (utf8::decode(part, 0).n_bytes != part.size()) {
    return -1;
  }
  const auto id = static_cast<TokenId>(parts.n_ids) + parts.inner_characters.add(part);
  parts.pieces.set(part, id);
  return id;
}

void add_merges(BpeParts& parts, std::string_view piece, Merge merge) {
  for (std::size_t cut = utf8::decode(piece, 0).n_bytes; cut < piece.size();
       cut += utf8::decode(piece, cut).n_bytes) {
    const TokenId left = part_id(parts, piece.substr(0, cut));
    const TokenId right = left < 0 ? -1 : part_id(parts, piece.substr(cut));
    if (right >= 0) {
      parts.merges.add(left, right, merge);
    }
  }
}

BpeParts make_bpe(const SentencePieceSource& source) {
  const std::size_t n = source.pieces.size();
  BpeParts parts;
  parts.n_ids = n;
  parts.pieces = StringIndex(n);
  parts.unknown = source.unknown;
  parts.fuse_unknown = true;
  for (std::size_t i = 0; i < n; ++i) {
    if (has_type(source, i, PieceType::kNormal)) {
      parts.pieces.set(source.pieces[i], static_cast<TokenId>(i));
    } else if (has_type(source, i, PieceType::kByte)) {
      const auto byte = byte_of_token(source.pieces[i]);
      parts.byte_tokens[*byte] = static_cast<TokenId>(i);
    }
  }
  const std::vector<std::uint32_t> ranks = rank_scores(source.scores);
  parts.merges = MergeTable(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    if (has_type(source, i, PieceType::kNormal) && !source.pieces[i].empty()) {
      add_merges(parts, source.pieces[i], {ranks[i], static_cast<TokenId>(i)});
    }
  }
  return parts;
}

std::string piece_bytes(const SentencePieceSource& source, std::size_t i) {
  if (has_type(source, i, PieceType::kByte)) {
    return {static_cast<char>(byte_of_token(source.pieces[i]).value())};
  }
  if (has_type(source, i, PieceType::kUnused)) {
    return {};
  }
  return with_blanks(source.pieces[i]);
}

std::string hash_of(const SentencePieceSource& source) {
  Sha256 hash;
  hash.field("sentencepiece bpe");
  for (std::size_t i = 0; i < source.pieces.size(); ++i) {
    hash.field(source.pieces[i]);
  }
  hash.bytes(std::as_bytes(std::span(source.scores)));
  hash.bytes(std::as_bytes(std::span(source.types)));
  hash.field(fmt::format("{} {}", source.add_prefix, source.finds_written));
  return hash.hex();
}

PreTokenizer make_pre_tokenizer(const SentencePieceSource& source, const StringIndex& pieces) {
  BlankCuts cuts;
  for (std::size_t i = 0; i < source.pieces.size(); ++i) {
    if (has_type(source, i, PieceType::kNormal)) {
      cuts.add(source.pieces[i]);
    }
  }
  std::vector<SplitStep> steps;
  if (auto step = cuts.step(pieces)) {
    steps.push_back(std::move(*step));
  }
  return PreTokenizer(std::move(steps));
}

/// User-defined pieces are spelled with blanks in some files and with U+2581 in others; text is
/// matched with U+2581.
void collect_tokens(const SentencePieceSource& source, PipelineParts& parts) {
  std::vector<AddedToken> written;
  std::vector<AddedToken> normalized;
  for (std::size_t i = 0; i < source.pieces.size(); ++i) {
    const bool user = has_type(source, i, PieceType::kUserDefined);
    AddedToken token{static_cast<TokenId>(i), source.pieces[i]};
    if (user) {
      token.text = without_blanks(token.text);
      normalized.push_back(token);
    }
    if (source.finds_written && (user || has_type(source, i, PieceType::kControl))) {
      written.push_back(std::move(token));
    }
  }
  parts.written_tokens = AddedTokens(std::move(written));
  parts.normalized_tokens = AddedTokens(std::move(normalized));
}

}  // namespace

std::unique_ptr<Tokenizer> make_sentencepiece(SentencePieceSource source) {
  check(source);
  PipelineParts parts;
  for (std::size_t i = 0; i < source.pieces.size(); ++i) {
    parts.spellings.add(source.pieces[i]);
    parts.pieces.add(piece_bytes(source, i));
    const bool special =
        has_type(source, i, PieceType::kControl) || has_type(source, i, PieceType::kUnknown) ||
        (has_type(source, i, PieceType::kUserDefined) && is_turn_mark(source.pieces[i]));
    parts.is_special.push_back(special);
  }
  collect_tokens(source, parts);
  BpeParts bpe = make_bpe(source);
  parts.pre_tokenizer = make_pre_tokenizer(source, bpe.pieces);
  parts.model = std::make_unique<Bpe>(std::move(bpe));
  std::vector<NormalizeStep> steps{{NormalizeStep::Kind::kReplace, " ", std::string(kBlank)}};
  if (source.add_prefix) {
    steps.insert(steps.begin(), {NormalizeStep::Kind::kPrepend, "", std::string(kBlank)});
  }
  parts.normalizer = Normalizer(std::move(steps));
  parts.drops_first_blank = source.add_prefix;
  parts.malformed = Malformed::kByte;
  parts.hash = hash_of(source);
  parts.special = {
      source.bos, source.eos, source.pad, source.unknown, source.add_bos, source.add_eos, {}};
  put_around(parts);
  find_end_of_generation(parts);
  return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace nibble::text
