/// What is taken from a generated text before it is scored.
///
///   regex       every match of a pattern; the match (or its first group that is not empty) at a
///               position, from the end where it is negative; "[invalid]" where there is none
///   strip       without white space at both ends
///
/// Errors     parsing: Error(kInvalidArgument) for a pattern that does not compile
/// Source     lm-evaluation-harness 0.4.13: RegexFilter, WhitespaceFilter
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/python_regex.h"

namespace nibble::eval {

class RegexFilter {
 public:
  RegexFilter(std::string_view pattern, std::int64_t position);
  [[nodiscard]] std::string apply(std::string_view text) const;

 private:
  text::PythonRegex regex_;
  std::int64_t position_;
};

/// One way to read an answer; several give a task several scores.
struct NamedFilter {
  std::string name;
  std::vector<RegexFilter> patterns;  ///< applied in order
  bool strips = false;                ///< afterwards

  [[nodiscard]] std::string apply(std::string_view text) const;
};

}  // namespace nibble::eval
