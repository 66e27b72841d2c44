/// What a model file says about its tokenizer, as plain values; `make_tokenizer` turns it into a
/// Tokenizer.
///
/// Filled from GGUF metadata, or read from tokenizer.json (HF) and tokenizer.model (SentencePiece).
///
/// Errors     kCorruptData (list and index named), kUnsupported for a component that is not
///            handled, by its name
/// Source     GGUF's tokenizer.ggml keys; the `tokenizers` package's file format;
///            sentencepiece_model.proto
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/tokenizer.h"

namespace nibble::text {

/// The `tokenizer.ggml.*` keys of a GGUF file.
struct GgufTokenizerSpec {
  std::string model;  ///< "gpt2" (byte-level BPE), "llama" (SentencePiece), "bert" (WordPiece)
  std::string pre;    ///< pre-tokenizer name: "smollm", "qwen2", "llama-bpe", "gpt-2", "default"
  std::vector<std::string> tokens;
  std::vector<float> scores;  ///< SentencePiece only; empty otherwise
  std::vector<std::int32_t>
      types;  ///< 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
  std::vector<std::string> merges;  ///< BPE only: "a b"
  std::optional<TokenId> bos, eos, pad, unknown;
  std::optional<bool> add_bos, add_eos, add_space_prefix;

  bool operator==(const GgufTokenizerSpec&) const = default;
};

/// From the key/value pairs of a GGUF file ("tokenizer.ggml.tokens": […], …); other keys are
/// ignored.
Result<GgufTokenizerSpec> spec_from_gguf_metadata(const Json& metadata);

/// The companion file that goes with checkpoints written from a GGUF source
/// ("tokenizer.nibble.json"), and back.
[[nodiscard]] std::string spec_to_json(const GgufTokenizerSpec& spec);
Result<GgufTokenizerSpec> spec_from_json(std::string_view text, std::string_view where);

Result<std::unique_ptr<Tokenizer>> make_tokenizer(GgufTokenizerSpec spec);

/// `tokenizer_json`: the file's text; `tokenizer_config_json`: its companion's text or "" when
/// there is none. The companion names BOS, EOS, pad and unknown; its add_bos_token and
/// add_eos_token count where the post-processor adds nothing. Truncation and padding belong to
/// batches and are not read.
Result<std::unique_ptr<Tokenizer>> make_tokenizer_from_json(std::string_view tokenizer_json,
                                                            std::string_view tokenizer_config_json,
                                                            std::string_view where);

/// A SentencePiece ModelProto (`tokenizer.model`) of type BPE. AddSpecial::kYes puts BOS in front,
/// as Llama and Mistral do. As in `sentencepiece`, control tokens are not found where the text
/// writes them.
Result<std::unique_ptr<Tokenizer>> make_tokenizer_from_sentencepiece(std::string_view model_bytes,
                                                                     std::string_view where);

/// What a GGUF file would say of the tokenizer of a Hugging Face folder, for writing one. From
/// tokenizer.json where it is byte-level BPE; SentencePiece's scores stand in tokenizer.model
/// alone.
Result<GgufTokenizerSpec> spec_from_tokenizer_json(std::string_view tokenizer_json,
                                                   std::string_view tokenizer_config_json,
                                                   std::string_view where);
Result<GgufTokenizerSpec> spec_from_sentencepiece(std::string_view model_bytes,
                                                  std::string_view where);

}  // namespace nibble::text
