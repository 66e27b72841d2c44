#include "eval/metrics/exact_match.h"

#include <algorithm>

#include "eval/metrics/reading.h"
#include "text/unicode/case.h"

namespace nibble::eval {
namespace {

std::string comparable(std::string_view text, const ExactMatchRule& rule) {
  std::string out(text);
  for (const text::PythonRegex& pattern : rule.ignored) {
    out = pattern.replaced(out, "");
  }
  if (rule.ignores_case) {
    out = text::lower_case(out);
  }
  if (rule.ignores_punctuation) {
    std::erase_if(out, is_ascii_punctuation);
  }
  return out;
}

}  // namespace

bool is_exact_match(std::string_view given,
                    std::span<const std::string> wanted,
                    const ExactMatchRule& rule) {
  const std::string text = comparable(given, rule);
  return std::ranges::any_of(wanted,
                             [&](const std::string& one) { return comparable(one, rule) == text; });
}

}  // namespace nibble::eval
