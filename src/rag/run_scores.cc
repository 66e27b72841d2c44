#include "rag/run_scores.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"

namespace nibble::rag {

std::vector<RunMetric> score_run(const Run& run,
                                 std::span<const std::string> questions,
                                 const QuestionJudgements& judgements,
                                 const RankingCuts& cuts) {
  std::vector<RunMetric> out = {{fmt::format("ndcg@{}", cuts.k), {}},
                                {fmt::format("mrr@{}", cuts.k), {}},
                                {fmt::format("recall@{}", cuts.depth), {}},
                                {fmt::format("map@{}", cuts.depth), {}}};
  for (const std::string& question : questions) {
    std::vector<std::string> ranking;
    if (const auto entries = run.find(question); entries != run.end()) {
      for (const RunEntry& entry : entries->second) {
        ranking.push_back(entry.document);
      }
    }
    const eval::Judgements& judged = judgements.find(question)->second;
    const auto top = eval::score_ranking(ranking, judged, cuts.k);
    const auto deep = eval::score_ranking(ranking, judged, cuts.depth);
    out[0].samples.push_back({top.ndcg});
    out[1].samples.push_back({top.reciprocal_rank});
    out[2].samples.push_back({deep.recall});
    out[3].samples.push_back({deep.average_precision});
  }
  return out;
}

std::vector<std::string> compared_questions(const Run& a,
                                            const Run& b,
                                            const QuestionJudgements& judgements) {
  std::set<std::string> out;
  for (const Run* run : {&a, &b}) {
    for (const auto& [question, entries] : *run) {
      const auto judged = judgements.find(question);
      if (judged != judgements.end() && eval::has_relevant(judged->second)) {
        out.insert(question);
      }
    }
  }
  if (out.empty()) {
    raise(ErrorCode::kCorruptData, "no question of the two runs has a relevant document");
  }
  return {out.begin(), out.end()};
}

}  // namespace nibble::rag
