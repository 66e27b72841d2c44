#include "eval/metrics/rouge_l.h"

#include <algorithm>
#include <vector>

#include "text/unicode/case.h"

namespace nibble::eval {
namespace {

using Words = std::vector<std::string>;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

Words words_of(std::string_view text) {
  Words out;
  bool inside = false;
  for (const char c : text::lower_case(text)) {
    if (is_word(c)) {
      if (!inside) {
        out.emplace_back();
      }
      out.back() += c;
    }
    inside = is_word(c);
  }
  return out;
}

std::size_t longest_common_subsequence(const Words& a, const Words& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (const std::string& word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = word == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

double rouge_l_of(std::string_view given, std::string_view wanted) {
  const Words a = words_of(given);
  const Words b = words_of(wanted);
  if (a.empty() || b.empty()) {
    return 0;
  }
  const auto n = static_cast<double>(longest_common_subsequence(a, b));
  return 2 * n / static_cast<double>(a.size() + b.size());
}

double rouge_l(std::string_view given, std::span<const std::string> wanted) {
  double best = 0;
  for (const std::string& one : wanted) {
    best = std::max(best, rouge_l_of(given, one));
  }
  return best;
}

}  // namespace nibble::eval
