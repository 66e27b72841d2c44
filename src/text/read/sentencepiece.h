/// A tokenizer from SentencePiece's list of pieces, scores and types, wherever it was stored.
///
/// Two neighbouring symbols merge into a piece that is their concatenation, the best score first.
/// Blanks are U+2581. User-defined pieces are matched before anything merges, the longest first.
/// UNUSED pieces neither come out nor are they steps towards longer ones.
///
/// Errors     kCorruptData (which list, which index), kUnsupported
/// Source     sentencepiece's bpe_model.cc
#pragma once

#include "text/tokenizer_spec.h"

namespace nibble::text {

/// The types of GGUF are those of sentencepiece_model.proto.
enum class PieceType : std::int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct SentencePieceSource {
  std::vector<std::string> pieces;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  std::optional<TokenId> bos, eos, pad, unknown;
  bool add_bos = false;
  bool add_eos = false;
  bool add_prefix = true;  ///< one blank in front of the text
  bool finds_written =
      false;  ///< control and user-defined tokens written in the text are found (sentencepiece: no)
};

/// From a ModelProto. Throws Error.
SentencePieceSource read_sentencepiece(std::string_view model_bytes);

/// Throws Error.
std::unique_ptr<Tokenizer> make_sentencepiece(SentencePieceSource source);

}  // namespace nibble::text
