/// How well an answer matches DROP's, whose right answers are lists of spans.
///
///   words        split at blanks and hyphens; lower case, no ASCII punctuation, no articles;
///                numbers as floats ("3,000" is "3000.0")
///   em           1 where the one wanted span has the same words in the same order
///   f1           over sets of words, 0 where a wanted number is not given; the best wanted span's,
///                divided by the number of wanted spans, rounded to two decimals
///
/// Both are the best over all right answers; one whose first span is blank is left out.
///
/// Source     lm-evaluation-harness 0.4.13 drop/utils.py, for an answer of one span
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::eval {

struct DropScores {
  double em = 0;
  double f1 = 0;
};
DropScores score_drop(std::string_view given, std::span<const std::vector<std::string>> wanted);

std::string normalize_drop(std::string_view text);
/// What Python's float() makes of a text.
std::optional<double> python_float(std::string_view text);

}  // namespace nibble::eval
