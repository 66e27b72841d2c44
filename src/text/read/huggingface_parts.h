/// The components of a tokenizer.json, each from its JSON object.
///
/// Errors     kUnsupported names the component ("pre_tokenizer.type: 'UnicodeScripts' is not
///            handled"); kCorruptData names the key
/// Source     the file format of the `tokenizers` package
#pragma once

#include "text/pipeline.h"
#include "text/read/fields.h"

namespace nibble::text {

/// null gives no steps.
[[nodiscard]] std::vector<NormalizeStep> read_normalizer(const Json* json);

struct PreTokenizerPlan {
  std::vector<SplitStep> steps;
  bool byte_level = false;  ///< words are spelled as bytes
};
[[nodiscard]] PreTokenizerPlan read_pre_tokenizer(const Json* json);

/// Token ids around the text of one sequence.
struct Frame {
  std::vector<TokenId> prefix, suffix;
};
[[nodiscard]] Frame read_post_processor(const Json* json);

/// How a token's spelling becomes text.
struct DecodePlan {
  enum class Kind : std::uint8_t { kByteLevel, kPieces, kWordPiece };
  Kind kind = Kind::kPieces;
  std::vector<std::pair<std::string, std::string>> replacements;
  bool byte_tokens = false;  ///< "<0x0A>" is a byte
  bool drops_first_blank = false;
  std::string continuation_mark;  ///< WordPiece: "##"
  bool tidy = false;              ///< WordPiece: no blank before punctuation
};
[[nodiscard]] DecodePlan read_decoder(const Json* json);
/// The bytes that a token adds behind others.
[[nodiscard]] std::string decode_piece(const DecodePlan& plan, std::string_view spelling);

}  // namespace nibble::text
