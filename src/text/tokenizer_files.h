/// The tokenizer of a folder, or in a file of its own.
///
/// Errors     kNotFound (which names were tried), and those of tokenizer_spec.h with the path in
///            front
/// Source     our own
#pragma once

#include <filesystem>

#include "base/function_ref.h"
#include "text/tokenizer_spec.h"

namespace nibble::text {

/// Reads a companion file by name; kNotFound where there is none.
using ReadCompanion = FunctionRef<Result<std::string>(std::string_view file_name)>;

/// From the first of tokenizer.json (with tokenizer_config.json), tokenizer.nibble.json and
/// tokenizer.model that is there.
Result<std::unique_ptr<Tokenizer>> make_tokenizer_from_companions(ReadCompanion read,
                                                                  std::string_view where);

/// A folder, or one of these files: tokenizer.json, tokenizer.nibble.json, a SentencePiece model
/// (any other name).
Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::filesystem::path& path);

}  // namespace nibble::text
