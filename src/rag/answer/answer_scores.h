/// What an answer from documents is worth.
///
///   first line     what is scored: the answer up to its line break, citations taken out
///   f1, exact_match   as SQuAD (eval/metrics/reading.h)
///   subspan_em     1 where a normalised wanted answer stands in the normalised answer; with
///                  groups, where each has one that does, case alone ignored (RGB)
///   rouge_l        eval/metrics/rouge_l.h
///   citation_precision   cited documents that are gold / cited documents; a number that no
///                  document has counts as cited and not gold; no value where nothing is cited
///   false_abstention     1 where an answerable question is not answered
///   rejection      1 where an unanswerable question is not answered; f1, exact_match and
///                  subspan_em are the same then
///   misled         1 where the answer of false passages stands in the answer
///   empty          1 where there is no answer at all
///   words          of the answer
///
/// An answer abstains where it says so in one of the phrases of `abstains`. An empty one does not.
///
/// Threads    pure functions
/// Source     Liu et al. 2023, arXiv 2307.03172 (best_subspan_em); Chen et al. 2023, arXiv
///            2309.01431 (RGB); our own
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "eval/metric.h"
#include "rag/answer/question.h"

namespace nibble::rag {

/// Numbers in square brackets, "[2]", "[1, 3]", in the order of the text, each once.
std::vector<std::size_t> cited_numbers(std::string_view answer);
/// Without "[…]" that hold numbers alone.
std::string without_citations(std::string_view answer);

/// One of "I don't know", "cannot answer", "not enough information", … stands in the answer, or
/// "unknown", "none" or "no answer" is all of it; letter case and punctuation aside.
bool abstains(std::string_view answer);

/// What is scored of a response.
std::string first_line(std::string_view response);

double subspan_em(std::string_view line, const OpenQuestion& question);

/// `gold[i]` says whether document i + 1 of the prompt is gold; `counts_citations` that they were
/// asked for.
eval::SampleScores score_answer(std::string_view response,
                                const OpenQuestion& question,
                                const std::vector<bool>& gold,
                                bool counts_citations);

/// Which metrics a set has, the headline first.
struct ScoredKinds {
  bool has_answerable = true;
  bool has_unanswerable = false;
  bool has_wrong_answers = false;
  bool counts_citations = false;
};
std::vector<eval::MetricRow> answer_metrics(const ScoredKinds& kinds);

}  // namespace nibble::rag
