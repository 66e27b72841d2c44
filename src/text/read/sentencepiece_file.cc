#include <optional>

#include "base/utf8.h"
#include "text/read/common.h"
#include "text/read/sentencepiece.h"
#include "text/read/wire_reader.h"

namespace nibble::text {
namespace {

constexpr std::uint64_t kBpe = 2;  // TrainerSpec.ModelType

/// What TrainerSpec and NormalizerSpec say, with the defaults of sentencepiece_model.proto.
struct Settings {
  std::uint64_t model_type = 1;
  bool blank_is_suffix = false;
  std::string unknown = "<unk>", bos = "<s>", eos = "</s>", pad = "<pad>";
  bool add_prefix = true;
  bool squeeze_blanks = true;
  bool escape_blanks = true;
  bool has_character_map = false;
};

void read_piece(std::string_view message, SentencePieceSource& source) {
  std::string_view piece;
  float score = 0;
  auto type = static_cast<std::uint64_t>(PieceType::kNormal);
  for (WireReader in(message); in.next();) {
    switch (in.field()) {
      case 1:
        piece = in.bytes();
        break;
      case 2:
        score = in.float32();
        break;
      case 3:
        type = in.varint();
        break;
      default:
        break;  // extensions
    }
  }
  const std::size_t index = source.pieces.size();
  if (utf8::first_invalid(piece)) {
    raise(ErrorCode::kCorruptData, "piece {} is not UTF-8", index);
  }
  if (type < 1 || type > 6) {
    raise(ErrorCode::kCorruptData, "piece {}: type {} is none of 1 to 6", index, type);
  }
  source.pieces.emplace_back(piece);
  source.scores.push_back(score);
  source.types.push_back(static_cast<std::int32_t>(type));
}

void read_trainer(std::string_view message, Settings& settings) {
  for (WireReader in(message); in.next();) {
    switch (in.field()) {
      case 3:
        settings.model_type = in.varint();
        break;
      case 24:
        settings.blank_is_suffix = in.varint() != 0;
        break;
      case 45:
        settings.unknown = in.bytes();
        break;
      case 46:
        settings.bos = in.bytes();
        break;
      case 47:
        settings.eos = in.bytes();
        break;
      case 48:
        settings.pad = in.bytes();
        break;
      default:
        break;  // how the model was trained
    }
  }
}

void read_normalizer(std::string_view message, Settings& settings) {
  for (WireReader in(message); in.next();) {
    switch (in.field()) {
      case 2:
        settings.has_character_map = !in.bytes().empty();
        break;
      case 3:
        settings.add_prefix = in.varint() != 0;
        break;
      case 4:
        settings.squeeze_blanks = in.varint() != 0;
        break;
      case 5:
        settings.escape_blanks = in.varint() != 0;
        break;
      default:
        break;  // its name, the source of the character map
    }
  }
}

void refuse_unsupported(const Settings& settings) {
  const auto refuse = [](bool when, std::string_view what) {
    if (when) {
      raise(ErrorCode::kUnsupported, "{} is not handled", what);
    }
  };
  refuse(settings.model_type != kBpe, "a model type other than BPE (trainer_spec.model_type)");
  refuse(settings.blank_is_suffix, "trainer_spec.treat_whitespace_as_suffix");
  refuse(settings.has_character_map, "a normalizer with a character map");
  refuse(settings.squeeze_blanks, "normalizer_spec.remove_extra_whitespaces");
  refuse(!settings.escape_blanks, "normalizer_spec.escape_whitespaces = false");
}

std::optional<TokenId> find_piece(const SentencePieceSource& source,
                                  std::string_view piece,
                                  PieceType type) {
  for (std::size_t i = 0; i < source.pieces.size(); ++i) {
    if (source.pieces[i] == piece && source.types[i] == static_cast<std::int32_t>(type)) {
      return static_cast<TokenId>(i);
    }
  }
  return std::nullopt;
}

}  // namespace

SentencePieceSource read_sentencepiece(std::string_view model_bytes) {
  SentencePieceSource source;
  Settings settings;
  for (WireReader in(model_bytes); in.next();) {
    switch (in.field()) {
      case 1:
        read_piece(in.bytes(), source);
        break;
      case 2:
        read_trainer(in.bytes(), settings);
        break;
      case 3:
        read_normalizer(in.bytes(), settings);
        break;
      case 5:
        raise(ErrorCode::kUnsupported, "a denormalizer is not handled");
      default:
        break;  // self-test samples, extensions
    }
  }
  if (source.pieces.empty()) {
    raise(ErrorCode::kCorruptData, "no pieces; a SentencePiece model was wanted");
  }
  refuse_unsupported(settings);
  source.unknown = find_piece(source, settings.unknown, PieceType::kUnknown);
  source.bos = find_piece(source, settings.bos, PieceType::kControl);
  source.eos = find_piece(source, settings.eos, PieceType::kControl);
  source.pad = find_piece(source, settings.pad, PieceType::kControl);
  source.add_bos = source.bos.has_value();
  source.add_prefix = settings.add_prefix;
  return source;
}

Result<std::unique_ptr<Tokenizer>> make_tokenizer_from_sentencepiece(std::string_view model_bytes,
                                                                     std::string_view where) {
  return reading(where, [&] { return make_sentencepiece(read_sentencepiece(model_bytes)); });
}

}  // namespace nibble::text
