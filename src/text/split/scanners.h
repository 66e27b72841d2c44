/// Hand-written scanners for the split patterns of the model families that we read; each is one
/// pass over the text.
///
///   kGpt2     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///   kQwen2    (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|
///             ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
///   kLlama3   the same with \p{N}{1,3}
///
/// All three cover the text: every character belongs to one word.
///
/// Requires   valid UTF-8
/// Threads    pure functions
/// Errors     none
/// Source     the patterns of the models' tokenizer.json, Oniguruma's reading of them
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "text/split/word_sink.h"

namespace nibble::text {

enum class Pattern : std::uint8_t { kGpt2, kQwen2, kLlama3 };

/// The pattern that a tokenizer.json spells `regex`; nullopt when we have no scanner for it.
[[nodiscard]] std::optional<Pattern> known_pattern(std::string_view regex) noexcept;

void scan_words(Pattern pattern, std::string_view text, WordSink sink);

/// Each character of category N alone (or each run of them, when `whole_numbers`), and what lies
/// between.
void scan_digits(std::string_view text, bool whole_numbers, WordSink sink);

/// Words without the white space between them; punctuation characters stand alone.
void scan_bert_words(std::string_view text, WordSink sink);

}  // namespace nibble::text
