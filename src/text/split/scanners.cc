#include "text/split/scanners.h"

#include <array>

#include "text/unicode/categories.h"

namespace nibble::text {
namespace {

constexpr std::string_view kGpt2Regex =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

bool is_newline(char32_t value) noexcept {
  return value == '\n' || value == '\r';
}

/// End of the run of characters of one class that starts at `at`.
std::size_t run_end(std::string_view text, std::size_t at, CharClass kind) noexcept {
  for (;;) {
    const ScannedChar c = scan_char(text, at);
    if (c.n_bytes == 0 || c.kind != kind) {
      return at;
    }
    at += c.n_bytes;
  }
}

/// Bytes of 's 't 're 've 'm 'll 'd at an apostrophe, or 0. U+017F folds to s where case does not
/// count.
std::size_t contraction_bytes(std::string_view text, std::size_t at, bool any_case) noexcept {
  const auto letter = [&](std::size_t i) -> char {
    const char c = at + i < text.size() ? text[at + i] : '\0';
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  switch (letter(1)) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return letter(2) == 'e' ? 3 : 0;
    case 'l':
      return letter(2) == 'l' ? 3 : 0;
    default:
      return any_case && text.substr(at + 1).starts_with("\xC5\xBF") ? 3 : 0;
  }
}

/// `\s+(?!\S)|\s+` where white space is all there is: a run leaves its last character to the word
/// that follows.
std::size_t blank_end(std::string_view text, std::size_t at) noexcept {
  std::size_t last = at;
  std::size_t end = at;
  for (ScannedChar c = scan_char(text, at); c.n_bytes > 0 && c.kind == CharClass::kSpace;
       c = scan_char(text, end)) {
    last = end;
    end += c.n_bytes;
  }
  return end == text.size() || last == at ? end : last;
}

/// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line break of the run when it has one.
std::size_t blank_or_lines_end(std::string_view text, std::size_t at) noexcept {
  std::size_t lines_end = 0;
  std::size_t end = at;
  for (ScannedChar c = scan_char(text, at); c.n_bytes > 0 && c.kind == CharClass::kSpace;
       c = scan_char(text, end)) {
    end += c.n_bytes;
    lines_end = is_newline(c.value) ? end : lines_end;
  }
  return lines_end > 0 ? lines_end : blank_end(text, at);
}

std::size_t gpt2_end(std::string_view text, std::size_t at) noexcept {
  const ScannedChar c = scan_char(text, at);
  if (c.value == '\'') {
    if (const std::size_t n = contraction_bytes(text, at, false); n > 0) {
      return at + n;
    }
  }
  const std::size_t start = c.value == ' ' ? at + 1 : at;
  const ScannedChar head = scan_char(text, start);
  if (head.n_bytes == 0 || head.kind == CharClass::kSpace) {
    return blank_end(text, at);
  }
  return run_end(text, start, head.kind);
}

std::size_t number_end(std::string_view text, std::size_t at, int max_digits) noexcept {
  for (int i = 0; i < max_digits; ++i) {
    const ScannedChar c = scan_char(text, at);
    if (c.n_bytes == 0 || c.kind != CharClass::kNumber) {
      break;
    }
    at += c.n_bytes;
  }
  return at;
}

std::size_t qwen2_end(std::string_view text, std::size_t at, int max_digits) noexcept {
  const ScannedChar c = scan_char(text, at);
  if (c.kind == CharClass::kLetter) {
    return run_end(text, at, CharClass::kLetter);
  }
  if (c.kind == CharClass::kNumber) {
    return number_end(text, at, max_digits);
  }
  if (c.value == '\'') {
    if (const std::size_t n = contraction_bytes(text, at, true); n > 0) {
      return at + n;
    }
  }
  const ScannedChar next = scan_char(text, at + c.n_bytes);
  if (!is_newline(c.value) && next.n_bytes > 0 && next.kind == CharClass::kLetter) {
    return run_end(text, at + c.n_bytes, CharClass::kLetter);
  }
  const bool blank_then_other =
      c.value == ' ' && next.n_bytes > 0 && next.kind == CharClass::kOther;
  if (c.kind == CharClass::kOther || blank_then_other) {
    std::size_t end = run_end(text, at + (blank_then_other ? 1 : 0), CharClass::kOther);
    while (end < text.size() && (text[end] == '\n' || text[end] == '\r')) {
      ++end;
    }
    return end;
  }
  return blank_or_lines_end(text, at);
}

}  // namespace

std::optional<Pattern> known_pattern(std::string_view regex) noexcept {
  struct Row {
    std::string_view regex;
    Pattern pattern;
  };
  static constexpr std::array kRows = {Row{kGpt2Regex, Pattern::kGpt2},
                                       Row{kQwen2Regex, Pattern::kQwen2},
                                       Row{kLlama3Regex, Pattern::kLlama3}};
  for (const Row& row : kRows) {
    if (row.regex == regex) {
      return row.pattern;
    }
  }
  return std::nullopt;
}

void scan_words(Pattern pattern, std::string_view text, WordSink sink) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = pattern == Pattern::kGpt2
                                ? gpt2_end(text, at)
                                : qwen2_end(text, at, pattern == Pattern::kLlama3 ? 3 : 1);
    sink(text.substr(at, end - at));
    at = end;
  }
}

void scan_digits(std::string_view text, bool whole_numbers, WordSink sink) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const ScannedChar c = scan_char(text, at);
    if (c.kind != CharClass::kNumber) {
      at += c.n_bytes;
      continue;
    }
    if (at > begin) {
      sink(text.substr(begin, at - begin));
    }
    const std::size_t end = whole_numbers ? run_end(text, at, CharClass::kNumber) : at + c.n_bytes;
    sink(text.substr(at, end - at));
    begin = at = end;
  }
  if (begin < text.size()) {
    sink(text.substr(begin));
  }
}

void scan_bert_words(std::string_view text, WordSink sink) {
  std::size_t begin = 0;
  const auto give = [&](std::size_t end) {
    if (end > begin) {
      sink(text.substr(begin, end - begin));
    }
  };
  for (std::size_t at = 0; at < text.size();) {
    const ScannedChar c = scan_char(text, at);
    const bool space = c.kind == CharClass::kSpace;
    if (space || (c.kind == CharClass::kOther && is_bert_punctuation(c.value))) {
      give(at);
      begin = at;
      if (!space) {
        give(at + c.n_bytes);
      }
      begin = at + c.n_bytes;
    }
    at += c.n_bytes;
  }
  give(text.size());
}

}  // namespace nibble::text
