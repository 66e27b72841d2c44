/// How well a short answer matches the answers that people gave: the SQuAD scores.
///
///   normalise    lower case, no ASCII punctuation, no words a, an, the, white space collapsed
///   exact_match  1 where the normalised texts are equal
///   f1           2 P R / (P + R) over the multisets of words; both sides empty 1, one empty 0
///   contains     1 where the answer as people wrote it stands in the response, whatever the case
///
/// Each score is the best over all wanted answers. Answers that normalise to nothing are left out;
/// if none remains the wanted answer is "".
///
/// Requires   texts are UTF-8; lower case is one code point to one (Unicode simple mapping)
/// Source     SQuAD v2 evaluation script (normaliser, empty cases)
///            lm-evaluation-harness 0.4.13 squad_completion (contains)
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::eval {

std::string normalize_answer(std::string_view text);
/// The words of a text, split at white space.
std::vector<std::string> split_words(std::string_view text);
/// Each article that stands alone becomes a blank; letters of lower case only.
std::string without_articles(std::string_view text);
/// One of Python's string.punctuation.
bool is_ascii_punctuation(char c) noexcept;

/// Scores against one wanted answer, which may normalise to nothing.
double exact_of(std::string_view response, std::string_view wanted);
double f1_of(std::string_view response, std::string_view wanted);

struct ReadingScores {
  double exact_match = 0;
  double f1 = 0;
  double contains = 0;
};
ReadingScores score_reading(std::string_view response, std::span<const std::string> wanted);

/// CoQA: the response's first line against all other answers when one is left out, averaged over
/// which one is; `contains` is not scored.
///
/// Source     lm-evaluation-harness 0.4.13 coqa/utils.py
ReadingScores score_coqa(std::string_view response, std::span<const std::string> wanted);

}  // namespace nibble::eval
