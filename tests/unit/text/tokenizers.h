/// Tokenizers of real models for tests, and the strings that the reference packages encoded.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "text/tokenizer_spec.h"

namespace nibble::text::testing {

GgufTokenizerSpec spec_of_gguf(const std::filesystem::path& path);

/// One line of a golden file of tokens.
struct GoldenRow {
  int id = 0;
  std::string text;
  std::vector<TokenId> ids, ids_with_special;
  std::string decoded, decoded_skip_special;
};
std::vector<GoldenRow> read_golden(const std::filesystem::path& path);

/// Encodes and decodes every row in all ways, also token by token, and reports each difference.
void expect_golden(const Tokenizer& tokenizer, const std::vector<GoldenRow>& rows);

/// A byte-level vocabulary of all 256 bytes, then `merges` in order, then control tokens <|a|> and
/// <|b|>.
GgufTokenizerSpec small_bpe(const std::vector<std::string>& merges);

}  // namespace nibble::text::testing
