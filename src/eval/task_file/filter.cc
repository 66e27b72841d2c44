#include "eval/task_file/filter.h"

#include "base/utf8.h"

namespace nibble::eval {
namespace {

constexpr std::string_view kNoMatch = "[invalid]";

/// As re.findall: the whole match without groups, the group with one, the first that is not empty
/// with several; nullopt where all are.
std::optional<std::string> found_text(const text::PythonRegex::Match& match) {
  if (match.size() == 1) {
    return std::string(match[0]);
  }
  if (match.size() == 2) {
    return std::string(match[1]);
  }
  for (std::size_t group = 1; group < match.size(); ++group) {
    if (!match[group].empty()) {
      return std::string(match[group]);
    }
  }
  return std::nullopt;
}

}  // namespace

RegexFilter::RegexFilter(std::string_view pattern, std::int64_t position)
    : regex_(text::PythonRegex::compile(pattern).take()), position_(position) {}

std::string RegexFilter::apply(std::string_view text) const {
  std::vector<std::optional<std::string>> found;
  regex_.for_each_match(text, [&](const text::PythonRegex::Match& match) {
    found.push_back(found_text(match));
    return position_ < 0 || static_cast<std::int64_t>(found.size()) <= position_;
  });
  const auto n = static_cast<std::int64_t>(found.size());
  const std::int64_t at = position_ < 0 ? n + position_ : position_;
  if (at < 0 || at >= n || !found[static_cast<std::size_t>(at)]) {
    return std::string(kNoMatch);
  }
  return std::string(utf8::strip(*found[static_cast<std::size_t>(at)]));
}

std::string NamedFilter::apply(std::string_view text) const {
  std::string out(text);
  for (const RegexFilter& pattern : patterns) {
    out = pattern.apply(out);
  }
  return strips ? std::string(utf8::strip(out)) : out;
}

}  // namespace nibble::eval
