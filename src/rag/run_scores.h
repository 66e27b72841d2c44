/// What a run scores against judgements, question by question.
///
/// Units      shares of 1; a question without a ranking scores 0, as trec_eval -c counts
/// Errors     Error(kCorruptData) where no question is judged
/// Source     eval/metrics/ranking.h
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "eval/metric.h"
#include "rag/trec.h"

namespace nibble::rag {

/// How many documents are looked at.
struct RankingCuts {
  std::size_t k = 10;       ///< by nDCG and MRR
  std::size_t depth = 100;  ///< by recall and MAP
};

/// One metric, a contribution a question in the order of the questions.
struct RunMetric {
  std::string name;  ///< "ndcg@10"
  std::vector<eval::Contribution> samples;
};

/// nDCG, MRR, recall and MAP. Every question must have a relevant document in the judgements.
std::vector<RunMetric> score_run(const Run& run,
                                 std::span<const std::string> questions,
                                 const QuestionJudgements& judgements,
                                 const RankingCuts& cuts);

/// The questions that a run of the two has and whose judgements have a relevant document, ordered.
std::vector<std::string> compared_questions(const Run& a,
                                            const Run& b,
                                            const QuestionJudgements& judgements);

}  // namespace nibble::rag
