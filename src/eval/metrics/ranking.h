/// How well a ranking of documents matches the judgements of people, as trec_eval counts.
///
///   DCG@k     sum over ranks i <= k of grade_i / log2(i + 1)
///   ndcg      DCG@k / DCG@k of all judged documents in the order of their grades
///   recall    relevant in the first k / all relevant
///   precision relevant in the first k / k
///   map       mean over all relevant of the precision at their ranks, 0 for those behind k
///   mrr       1 / rank of the first relevant, 0 where none is in the first k
///
/// A document is relevant where its grade is above 0. Every judged question counts; one without a
/// ranking scores 0 (trec_eval leaves it out unless called with -c).
///
/// Layout     a ranking is best first, without repetitions
/// Precision  float64
/// Source     trec_eval 10 (ndcg_cut, recall, P, map_cut, recip_rank): linear gain; BEIR
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace nibble::eval {

/// Document to grade, of one question.
using Judgements = std::map<std::string, int, std::less<>>;

struct RankingScores {
  double ndcg = 0.0;
  double recall = 0.0;
  double precision = 0.0;
  double average_precision = 0.0;
  double reciprocal_rank = 0.0;
};

/// `judged` has a relevant document at least; k > 0.
RankingScores score_ranking(std::span<const std::string> ranking,
                            const Judgements& judged,
                            std::size_t k);

/// Whether there is anything to find.
bool has_relevant(const Judgements& judged) noexcept;

}  // namespace nibble::eval
