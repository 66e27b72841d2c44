#include "rag/lexical/analyzer.h"

#include <libstemmer.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode/case.h"
#include "text/unicode/categories.h"

namespace nibble::rag {
namespace {

/// Sorted, for binary search.
constexpr std::array<std::string_view, 33> kStopWords = {
    "a",   "an",    "and",  "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
    "in",  "into",  "is",   "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
    "the", "their", "then", "there", "these", "they", "this", "to",  "was", "will", "with"};

/// Longer words are noise (base64, sequences), and their stems are not worth the time.
constexpr std::size_t kMaxWordBytes = 255;

bool is_word_char(char32_t value) noexcept {
  const text::CharClass kind = text::classify(value);
  return kind == text::CharClass::kLetter || kind == text::CharClass::kNumber ||
         text::is_nonspacing_mark(value);
}

/// U+0027 and U+2019.
bool is_apostrophe(char32_t value) noexcept {
  return value == U'\'' || value == U'\u2019';
}

/// Skips a possessive "'s" that ends at a word's end; otherwise stays.
std::size_t skip_possessive(std::string_view text, std::size_t at) noexcept {
  if (at >= text.size()) {
    return at;
  }
  const utf8::CodePoint mark = utf8::decode(text, at);
  const std::size_t letter = at + mark.n_bytes;
  if (!is_apostrophe(mark.value) || letter >= text.size() || text[letter] != 's') {
    return at;
  }
  const std::size_t end = letter + 1;
  const bool ends = end == text.size() || !is_word_char(utf8::decode(text, end).value);
  return ends ? end : at;
}

}  // namespace

void Analyzer::Delete::operator()(sb_stemmer* stemmer) const noexcept {
  sb_stemmer_delete(stemmer);
}

Analyzer::Analyzer() : stemmer_(sb_stemmer_new("porter", "UTF_8")) {
  if (stemmer_ == nullptr) {
    raise(ErrorCode::kOutOfMemory, "no memory for the stemmer");
  }
}

Analyzer::~Analyzer() = default;

std::vector<std::string> Analyzer::terms(std::string_view raw) const {
  const std::string text = text::lower_case(raw);
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t first = at;
    utf8::CodePoint point = utf8::decode(text, at);
    while (point.valid && is_word_char(point.value)) {
      at += point.n_bytes;
      if (at >= text.size()) {
        break;
      }
      point = utf8::decode(text, at);
    }
    const std::string_view word(text.data() + first, at - first);
    if (word.empty()) {
      at += point.n_bytes;
      continue;
    }
    at = skip_possessive(text, at);
    if (word.size() > kMaxWordBytes || std::ranges::binary_search(kStopWords, word)) {
      continue;
    }
    const auto* stem = sb_stemmer_stem(stemmer_.get(),
                                       reinterpret_cast<const sb_symbol*>(word.data()),
                                       static_cast<int>(word.size()));
    if (stem == nullptr) {
      raise(ErrorCode::kOutOfMemory, "no memory for the stem of a word");
    }
    out.emplace_back(reinterpret_cast<const char*>(stem),
                     static_cast<std::size_t>(sb_stemmer_length(stemmer_.get())));
  }
  return out;
}

}  // namespace nibble::rag
