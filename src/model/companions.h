/// What stands beside the weights when a checkpoint is written anew: configuration, tokenizer, chat
/// template.
///
/// From a Hugging Face folder the files are copied; from a GGUF file they are made of its metadata,
/// the tokenizer as "tokenizer.nibble.json".
///
/// Errors     kCorruptData from metadata that is no tokenizer
/// Source     our own; file names of the Transformers library
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "io/checkpoint.h"
#include "model/config.h"

namespace nibble::model {

/// The tokenizer of a GGUF source, in the form of text/tokenizer_spec.h.
inline constexpr std::string_view kNibbleTokenizerFile = "tokenizer.nibble.json";
inline constexpr std::string_view kChatTemplateFile = "chat_template.jinja";

struct Companion {
  std::string file_name;
  std::string content;
};

Result<std::vector<Companion>> companions_of(const io::Checkpoint& checkpoint);

/// A config.json that read_config reads back as `config`.
Json config_json_of(const io::Checkpoint& checkpoint, const ModelConfig& config);

}  // namespace nibble::model
