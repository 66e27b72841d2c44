/// Whether a text is one of those wanted, after both were made comparable.
///
///   every match of each ignored pattern is deleted, in order; then lower case; then no ASCII
///   punctuation; then equality. White space counts
///
/// Errors     Error(kInvalidArgument) for a pattern that does not compile
/// Source     lm-evaluation-harness 0.4.13 `exact_match_hf_evaluate`
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/python_regex.h"

namespace nibble::eval {

/// How a text is prepared before it is compared.
struct ExactMatchRule {
  bool ignores_case = false;
  bool ignores_punctuation = false;
  std::vector<text::PythonRegex> ignored{};
};

bool is_exact_match(std::string_view given,
                    std::span<const std::string> wanted,
                    const ExactMatchRule& rule);

}  // namespace nibble::eval
