#include "eval/metrics/drop.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "base/utf8.h"
#include "eval/metrics/reading.h"
#include "text/jinja/value.h"
#include "text/unicode/case.h"

namespace nibble::eval {
namespace {

using Words = std::set<std::string>;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Digits with single underscores between them; how many characters they take.
std::size_t digits(std::string_view text, std::string& out) {
  std::size_t n = 0;
  while (n < text.size() &&
         (is_digit(text[n]) || (text[n] == '_' && n > 0 && is_digit(text[n - 1]) &&
                                n + 1 < text.size() && is_digit(text[n + 1])))) {
    if (text[n] != '_') {
      out += text[n];
    }
    ++n;
  }
  return n;
}

/// The number's plain spelling; nullopt where it is none.
std::optional<std::string> spelled_number(std::string_view text) {
  std::string out;
  const std::size_t n_whole = digits(text, out);
  text.remove_prefix(n_whole);
  std::size_t n_fraction = 0;
  if (text.starts_with('.')) {
    out += '.';
    n_fraction = digits(text.substr(1), out);
    text.remove_prefix(1 + n_fraction);
  }
  if (n_whole + n_fraction == 0) {
    return std::nullopt;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    out += 'e';
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) {
      out += text.front();
      text.remove_prefix(1);
    }
    const std::size_t n_exponent = digits(text, out);
    if (n_exponent == 0) {
      return std::nullopt;
    }
    text.remove_prefix(n_exponent);
  }
  return text.empty() ? std::optional(out) : std::nullopt;
}

std::string normalized_word(std::string_view word) {
  std::string out = text::lower_case(word);
  if (!python_float(out)) {
    std::erase_if(out, is_ascii_punctuation);
  }
  if (const auto number = python_float(out)) {
    out = text::jinja::number_text(*number);
  }
  std::string joined;
  for (const std::string& one : split_words(without_articles(out))) {
    joined += (joined.empty() ? "" : " ") + one;
  }
  return joined;
}

Words words_of(std::string_view normal) {
  const std::vector<std::string> all = split_words(normal);
  return {all.begin(), all.end()};
}

/// Whether no number is wanted, or one of those wanted is given.
bool numbers_agree(const Words& wanted, const Words& given) {
  bool wants_number = false;
  for (const std::string& word : wanted) {
    if (python_float(word)) {
      wants_number = true;
      if (given.contains(word)) {
        return true;
      }
    }
  }
  return !wants_number;
}

double set_f1(const Words& given, const Words& wanted) {
  if (!numbers_agree(wanted, given)) {
    return 0;
  }
  const auto n_common = static_cast<double>(
      std::ranges::count_if(wanted, [&](const std::string& word) { return given.contains(word); }));
  const double precision = given.empty() ? 1 : n_common / static_cast<double>(given.size());
  const double recall = wanted.empty() ? 1 : n_common / static_cast<double>(wanted.size());
  return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
}

}  // namespace

std::optional<double> python_float(std::string_view text) {
  text = utf8::strip(text);
  const bool is_negative = text.starts_with('-');
  text.remove_prefix(is_negative || text.starts_with('+') ? 1 : 0);
  const std::string lower = text::lower_case(text);
  const double sign = is_negative ? -1 : 1;
  if (lower == "inf" || lower == "infinity") {
    return sign * std::numeric_limits<double>::infinity();
  }
  if (lower == "nan") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const auto spelled = spelled_number(text);
  return spelled ? std::optional(sign * std::strtod(spelled->c_str(), nullptr)) : std::nullopt;
}

std::string normalize_drop(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t end = text.find_first_of(" -");
    const std::string word = normalized_word(text.substr(0, end));
    if (!word.empty()) {
      out += (out.empty() ? "" : " ") + word;
    }
    if (end == std::string_view::npos) {
      return out;
    }
    text.remove_prefix(end + 1);
  }
}

DropScores score_drop(std::string_view given, std::span<const std::vector<std::string>> wanted) {
  const std::string normal = normalize_drop(given);
  const Words words = words_of(normal);
  DropScores best;
  for (const std::vector<std::string>& spans : wanted) {
    if (spans.empty() || utf8::strip(spans.front()).empty()) {
      continue;
    }
    double best_span = 0;
    for (const std::string& span : spans) {
      best_span = std::max(best_span, set_f1(words, words_of(normalize_drop(span))));
    }
    const double mean = best_span / static_cast<double>(spans.size());
    best.f1 = std::max(best.f1, std::nearbyint(mean * 100) / 100);
    const bool is_equal = spans.size() == 1 && normalize_drop(spans.front()) == normal;
    best.em = std::max(best.em, is_equal ? 1.0 : 0.0);
  }
  return best;
}

}  // namespace nibble::eval
