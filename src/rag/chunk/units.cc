#include "rag/chunk/units.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "text/unicode/case.h"

namespace nibble::rag {
namespace {

constexpr std::array<std::string_view, 22> kAbbreviations = {
    "al", "approx", "cf", "co",  "dr", "e.g", "etc",  "fig", "figs", "i.e", "inc",
    "jr", "ltd",    "mr", "mrs", "ms", "no",  "prof", "sr",  "st",   "vol", "vs"};

/// A text as code points with their places.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  [[nodiscard]] bool done() const noexcept { return at_ >= text_.size(); }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] char32_t peek() const noexcept {
    return done() ? 0 : utf8::decode(text_, at_).value;
  }
  char32_t next() noexcept {
    const utf8::CodePoint point = utf8::decode(text_, at_);
    at_ += point.n_bytes;
    return point.value;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_cjk_stop(char32_t value) noexcept {
  return value == U'\u3002' || value == U'\uFF01' || value == U'\uFF1F';
}
bool is_stop(char32_t value) noexcept {
  return value == U'.' || value == U'!' || value == U'?' || value == U'\u2026';
}
bool is_closer(char32_t value) noexcept {
  return value == U')' || value == U']' || value == U'"' || value == U'\'' || value == U'\u201D' ||
         value == U'\u2019' || value == U'\u00BB';
}

/// The range without white space at its ends; empty ones are dropped.
void push_stripped(std::string_view text, TextRange range, std::vector<TextRange>& out) {
  const std::string_view whole = range.of(text);
  const std::string_view kept = utf8::strip(whole);
  if (!kept.empty()) {
    const auto begin = static_cast<std::size_t>(kept.data() - text.data());
    out.push_back({begin, begin + kept.size()});
  }
}

/// Whether the word before a full stop at `stop` is an abbreviation or an initial.
bool is_abbreviated(std::string_view text, std::size_t begin, std::size_t stop) {
  std::size_t first = stop;
  while (first > begin && text[first - 1] != ' ' && text[first - 1] != '\n' &&
         text[first - 1] != '(') {
    --first;
  }
  const std::string_view word = text.substr(first, stop - first);
  if (word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z') {
    return true;
  }
  return std::ranges::binary_search(kAbbreviations, std::string_view(text::lower_case(word)));
}

/// Moves over white space; true when there was an empty line in it.
bool skip_space(Cursor& cursor) noexcept {
  std::size_t n_lines = 0;
  while (!cursor.done() && utf8::is_space(cursor.peek())) {
    n_lines += cursor.next() == U'\n' ? 1U : 0U;
  }
  return n_lines >= 2;
}

bool is_lower(char32_t value) {
  std::string letter;
  utf8::append(letter, value);
  return text::capitalized(letter) != letter;
}

/// Whether white space that begins at the cursor separates sentences; moves over it.
bool ends_sentence(std::string_view text, std::size_t begin, std::size_t stop, Cursor& cursor) {
  if (!cursor.done() && !utf8::is_space(cursor.peek())) {
    return false;
  }
  const bool dot = stop != std::string_view::npos && text[stop] == '.';
  if (skip_space(cursor) || cursor.done()) {
    return true;
  }
  return stop != std::string_view::npos && !is_lower(cursor.peek()) &&
         !(dot && is_abbreviated(text, begin, stop));
}

}  // namespace

std::vector<TextRange> split_words(std::string_view text) {
  std::vector<TextRange> out;
  Cursor cursor(text);
  while (!cursor.done()) {
    const std::size_t begin = cursor.at();
    while (!cursor.done() && !utf8::is_space(cursor.peek())) {
      cursor.next();
    }
    if (cursor.at() > begin) {
      out.push_back({begin, cursor.at()});
    } else {
      cursor.next();
    }
  }
  return out;
}

std::vector<TextRange> split_sentences(std::string_view text) {
  std::vector<TextRange> out;
  Cursor cursor(text);
  std::size_t begin = 0;
  while (!cursor.done()) {
    std::size_t stop = std::string_view::npos;  // of the last mark that may end a sentence
    const std::size_t mark = cursor.at();
    const char32_t value = cursor.peek();
    if (is_cjk_stop(value)) {
      cursor.next();
      push_stripped(text, {begin, cursor.at()}, out);
      begin = cursor.at();
      continue;
    }
    if (is_stop(value)) {
      stop = mark;
      cursor.next();
      while (!cursor.done() && (is_stop(cursor.peek()) || is_closer(cursor.peek()))) {
        cursor.next();
      }
    } else if (!utf8::is_space(value)) {
      cursor.next();
      continue;
    }
    const std::size_t end = cursor.at();
    if (ends_sentence(text, begin, stop, cursor)) {
      push_stripped(text, {begin, end}, out);
      begin = cursor.at();
    }
  }
  push_stripped(text, {begin, text.size()}, out);
  return out;
}

std::vector<TextRange> split_paragraphs(std::string_view text) {
  std::vector<TextRange> out;
  Cursor cursor(text);
  std::size_t begin = 0;
  while (!cursor.done()) {
    const std::size_t end = cursor.at();
    if (!utf8::is_space(cursor.peek())) {
      cursor.next();
    } else if (skip_space(cursor)) {
      push_stripped(text, {begin, end}, out);
      begin = cursor.at();
    }
  }
  push_stripped(text, {begin, text.size()}, out);
  return out;
}

}  // namespace nibble::rag
