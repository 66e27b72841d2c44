#include "eval/metrics/reading.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/utf8.h"
#include "text/unicode/case.h"

namespace nibble::eval {
namespace {

bool is_article(std::string_view word) {
  return word == "a" || word == "an" || word == "the";
}

double word_f1(const std::vector<std::string>& response, const std::vector<std::string>& wanted) {
  if (response.empty() || wanted.empty()) {
    return response.empty() && wanted.empty() ? 1.0 : 0.0;
  }
  std::map<std::string_view, int> counts;
  for (const std::string& word : wanted) {
    ++counts[word];
  }
  int n_common = 0;
  for (const std::string& word : response) {
    n_common += counts[word]-- > 0 ? 1 : 0;
  }
  return 2.0 * n_common / static_cast<double>(response.size() + wanted.size());
}

}  // namespace

bool is_ascii_punctuation(char c) noexcept {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

std::string without_articles(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size()) {
      const utf8::CodePoint point = utf8::decode(text, end);
      if (!text::is_python_word(point.value)) {
        break;
      }
      end += point.n_bytes;
    }
    if (end == i) {  // not a word character
      end += utf8::decode(text, i).n_bytes;
    }
    const std::string_view piece = text.substr(i, end - i);
    out += is_article(piece) ? " " : piece;
    i = end;
  }
  return out;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (std::size_t i = 0; i < text.size();) {
    const utf8::CodePoint point = utf8::decode(text, i);
    if (utf8::is_space(point.value)) {
      inside = false;
    } else {
      if (!inside) {
        words.emplace_back();
      }
      words.back() += text.substr(i, point.n_bytes);
      inside = true;
    }
    i += point.n_bytes;
  }
  return words;
}

std::string normalize_answer(std::string_view text) {
  std::string kept = text::lower_case(text);
  std::erase_if(kept, is_ascii_punctuation);
  std::string out;
  for (const std::string& word : split_words(without_articles(kept))) {
    out += out.empty() ? word : " " + word;
  }
  return out;
}

ReadingScores score_reading(std::string_view response, std::span<const std::string> wanted) {
  const std::string given = normalize_answer(response);
  const std::vector<std::string> given_words = split_words(given);
  const std::string given_lower = text::lower_case(response);
  ReadingScores best;
  bool any_wanted = false;
  for (const std::string& answer : wanted) {
    const std::string normal = normalize_answer(answer);
    if (normal.empty()) {
      continue;
    }
    any_wanted = true;
    best.exact_match = std::max(best.exact_match, given == normal ? 1.0 : 0.0);
    best.f1 = std::max(best.f1, word_f1(given_words, split_words(normal)));
    const std::string literal = text::lower_case(utf8::strip(answer));
    best.contains =
        std::max(best.contains, given_lower.find(literal) != std::string::npos ? 1.0 : 0.0);
  }
  if (!any_wanted) {
    const double empty = given.empty() ? 1.0 : 0.0;
    return {empty, empty, empty};
  }
  return best;
}

double exact_of(std::string_view response, std::string_view wanted) {
  return normalize_answer(response) == normalize_answer(wanted) ? 1.0 : 0.0;
}

double f1_of(std::string_view response, std::string_view wanted) {
  return word_f1(split_words(normalize_answer(response)), split_words(normalize_answer(wanted)));
}

ReadingScores score_coqa(std::string_view response, std::span<const std::string> wanted) {
  const std::string_view stripped = utf8::strip(response);
  const std::string_view line = stripped.substr(0, stripped.find('\n'));
  ReadingScores sum;
  for (std::size_t left_out = 0; left_out < wanted.size(); ++left_out) {
    ReadingScores best;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (i != left_out || wanted.size() == 1) {
        best.exact_match = std::max(best.exact_match, exact_of(line, wanted[i]));
        best.f1 = std::max(best.f1, f1_of(line, wanted[i]));
      }
    }
    sum.exact_match += best.exact_match;
    sum.f1 += best.f1;
  }
  const double n = std::max<double>(1, static_cast<double>(wanted.size()));
  return {sum.exact_match / n, sum.f1 / n, 0};
}

}  // namespace nibble::eval
