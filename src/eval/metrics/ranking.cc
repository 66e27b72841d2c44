#include "eval/metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"

namespace nibble::eval {
namespace {

double discount(std::size_t rank) noexcept {
  return 1.0 / std::log2(static_cast<double>(rank) + 1.0);
}

double ideal_dcg(const Judgements& judged, std::size_t k) {
  std::vector<int> grades;
  for (const auto& [document, grade] : judged) {
    if (grade > 0) {
      grades.push_back(grade);
    }
  }
  std::ranges::sort(grades, std::greater{});
  double dcg = 0.0;
  for (std::size_t i = 0; i < std::min(k, grades.size()); ++i) {
    dcg += grades[i] * discount(i + 1);
  }
  return dcg;
}

}  // namespace

bool has_relevant(const Judgements& judged) noexcept {
  return std::ranges::any_of(judged, [](const auto& entry) { return entry.second > 0; });
}

RankingScores score_ranking(std::span<const std::string> ranking,
                            const Judgements& judged,
                            std::size_t k) {
  NIBBLE_CHECK(k > 0 && has_relevant(judged), "score_ranking: nothing to find");
  RankingScores out;
  double n_found = 0.0;
  for (std::size_t rank = 1; rank <= std::min(k, ranking.size()); ++rank) {
    const auto entry = judged.find(ranking[rank - 1]);
    if (entry == judged.end() || entry->second <= 0) {
      continue;
    }
    n_found += 1.0;
    out.ndcg += entry->second * discount(rank);
    out.average_precision += n_found / static_cast<double>(rank);
    if (out.reciprocal_rank == 0.0) {
      out.reciprocal_rank = 1.0 / static_cast<double>(rank);
    }
  }
  const auto n_relevant = static_cast<double>(
      std::ranges::count_if(judged, [](const auto& entry) { return entry.second > 0; }));
  out.ndcg /= ideal_dcg(judged, k);
  out.recall = n_found / n_relevant;
  out.precision = n_found / static_cast<double>(k);
  out.average_precision /= n_relevant;
  return out;
}

}  // namespace nibble::eval
