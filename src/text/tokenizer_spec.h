/// What a model file says about its tokenizer, as plain values; `make_tokenizer` turns it into a Tokenizer.
///
/// Filled by model/ from GGUF metadata, or read from tokenizer.json (HF) and tokenizer.model (SentencePiece).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace nibble::text {

/// The `tokenizer.ggml.*` keys of a GGUF file.
struct GgufTokenizerSpec {
  std::string model;  ///< "gpt2" (byte-level BPE), "llama" (SentencePiece), "bert" (WordPiece)
  std::string pre;    ///< pre-tokenizer name: "smollm", "qwen2", "llama-bpe", "gpt-2", "default"
  std::vector<std::string> tokens;
  std::vector<float> scores;       ///< SentencePiece only; empty otherwise
  std::vector<std::int32_t> types; ///< 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
  std::vector<std::string> merges; ///< BPE only: "a b"
  std::optional<TokenId> bos, eos, pad, unknown;
  std::optional<bool> add_bos, add_eos, add_space_prefix;
};

Result<std::unique_ptr<Tokenizer>> make_tokenizer(GgufTokenizerSpec spec);

/// `tokenizer_json`: the file's text; `tokenizer_config_json`: its companion's text or "" when there is none.
Result<std::unique_ptr<Tokenizer>> make_tokenizer_from_json(std::string_view tokenizer_json,
                                                            std::string_view tokenizer_config_json,
                                                            std::string_view where);

/// A SentencePiece ModelProto (`tokenizer.model`). BOS is added where `add_bos`, by default as Llama and Mistral do.
Result<std::unique_ptr<Tokenizer>> make_tokenizer_from_sentencepiece(std::string_view model_bytes,
                                                                     std::string_view where);

}  // namespace nibble::text
