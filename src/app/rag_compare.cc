#include "app/rag_compare.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/score_value.h"
#include "base/json.h"
#include "eval/stats/paired.h"

namespace nibble::app {
namespace {

/// One metric of B against that of A.
struct ComparedRanking {
  std::string metric;
  eval::stats::PairedDifference paired;
  /// Questions that B answers worse and better.
  std::size_t n_worse = 0, n_better = 0;
};

ComparedRanking compare_ranking(const rag::RunMetric& a, const rag::RunMetric& b) {
  ComparedRanking out{
      a.name, eval::stats::paired_difference(b.samples, a.samples, eval::Transform::kIdentity)};
  for (std::size_t i = 0; i < a.samples.size(); ++i) {
    out.n_worse += b.samples[i].sum < a.samples[i].sum ? 1U : 0U;
    out.n_better += b.samples[i].sum > a.samples[i].sum ? 1U : 0U;
  }
  return out;
}

std::string rankings_text(const std::vector<ComparedRanking>& rows) {
  std::string out = fmt::format("{:<12} {:>6} {:>8} {:>8} {:>9}  {:<20} {:>8} {:>13}\n",
                                "metric",
                                "n",
                                "A",
                                "B",
                                "B - A",
                                "95 % interval",
                                "p",
                                "worse/better");
  for (const ComparedRanking& row : rows) {
    const auto& [b, a, difference, low, high, error, p, n] = row.paired;
    out += fmt::format("{:<12} {:>6} {:>8} {:>8} {:>9}  {:<20} {:>8} {:>13}\n",
                       row.metric,
                       n,
                       score_text(a),
                       score_text(b),
                       score_text(difference),
                       fmt::format("{} to {}", score_text(low), score_text(high)),
                       score_text(p),
                       fmt::format("{}/{}", row.n_worse, row.n_better));
  }
  return out;
}

Json rankings_json(const std::vector<ComparedRanking>& rows) {
  Json out = Json::array();
  for (const ComparedRanking& row : rows) {
    out.push_back({{"name", row.metric},
                   {"n", row.paired.n},
                   {"a", score_json(row.paired.reference)},
                   {"b", score_json(row.paired.variant)},
                   {"difference", score_json(row.paired.difference)},
                   {"low", score_json(row.paired.low)},
                   {"high", score_json(row.paired.high)},
                   {"p", score_json(row.paired.p_value)},
                   {"worse", row.n_worse},
                   {"better", row.n_better}});
  }
  return out;
}

}  // namespace

int compare_rankings(const std::vector<std::string>& runs,
                     const std::string& judgements,
                     const rag::RankingCuts& cuts,
                     const Globals& globals) {
  const auto judged = rag::read_judgements(judgements).take();
  const rag::Run a = rag::read_run(runs.at(0)).take();
  const rag::Run b = rag::read_run(runs.at(1)).take();
  const auto questions = rag::compared_questions(a, b, judged);
  const auto scores_a = rag::score_run(a, questions, judged, cuts);
  const auto scores_b = rag::score_run(b, questions, judged, cuts);
  std::vector<ComparedRanking> rows;
  for (std::size_t i = 0; i < scores_a.size(); ++i) {
    rows.push_back(compare_ranking(scores_a[i], scores_b[i]));
  }
  print_out(globals.json
                ? dump_json({{"a", runs[0]}, {"b", runs[1]}, {"metrics", rankings_json(rows)}}) +
                      "\n"
                : rankings_text(rows));
  return 0;
}

}  // namespace nibble::app
