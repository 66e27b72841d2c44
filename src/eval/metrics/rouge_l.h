/// How much of a text's order of words an answer keeps: ROUGE-L.
///
///   f = 2 P R / (P + R),  P = LCS / words given,  R = LCS / words wanted
///
/// LCS is the longest common subsequence. Words are runs of ASCII letters and digits in lower case,
/// as the reference splits them; there is no stemming. The best over all wanted texts.
///
/// Precision  0 where either side has no words
/// Threads    pure functions
/// Source     Lin 2004; google-research rouge_score `rougeL`
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace nibble::eval {

double rouge_l_of(std::string_view given, std::string_view wanted);
/// 0 for nothing wanted.
double rouge_l(std::string_view given, std::span<const std::string> wanted);

}  // namespace nibble::eval
