#include "app/eval_compare.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/condition_lines.h"
#include "app/exit_code.h"
#include "app/score_value.h"

namespace nibble::app {
namespace {

std::string row_text(const eval::ComparedMetric& row) {
  const auto& [b, a, difference, low, high, error, p, n] = row.paired;
  return fmt::format("{:<24} {:<20} {:>6} {:>9} {:>9} {:>9}  {:>19} {:>8} {:>8} {:>9} {:>9}\n",
                     row.task,
                     row.metric.name,
                     n,
                     score_text(a),
                     score_text(b),
                     score_text(difference),
                     fmt::format("{} to {}", score_text(low), score_text(high)),
                     score_text(row.p_value),
                     score_text(row.p_adjusted),
                     row.flips ? fmt::format("{}/{}", row.flips->lost, row.flips->gained) : "–",
                     row.n_needed ? fmt::format("{}", *row.n_needed) : "–");
}

std::string warnings(const eval::ComparedMetric& row) {
  std::string out;
  if (row.is_headline && row.n_prompts_differ > 0) {
    out += fmt::format("{}: {} of {} documents were asked in other words\n",
                       row.task,
                       row.n_prompts_differ,
                       row.paired.n);
  }
  if (row.n_unpaired > 0) {
    out += fmt::format("{} {}: {} documents have a score in one run only and are left out\n",
                       row.task,
                       row.metric.name,
                       row.n_unpaired);
  }
  return out;
}

}  // namespace

std::string compare_table(std::span<const eval::ComparedMetric> rows) {
  std::string out =
      fmt::format("{:<24} {:<20} {:>6} {:>9} {:>9} {:>9}  {:>19} {:>8} {:>8} {:>9} {:>9}\n",
                  "task",
                  "metric",
                  "n",
                  "A",
                  "B",
                  "B - A",
                  "95 % interval",
                  "p",
                  "p (Holm)",
                  "lost/won",
                  "n needed");
  for (const eval::ComparedMetric& row : rows) {
    out += row_text(row);
  }
  for (const eval::ComparedMetric& row : rows) {
    out += warnings(row);
  }
  return out;
}

Json compare_json(std::span<const eval::ComparedMetric> rows) {
  Json out = Json::array();
  for (const eval::ComparedMetric& row : rows) {
    out.push_back({{"task", row.task},
                   {"metric", row.metric.name},
                   {"headline", row.is_headline},
                   {"higher_is_better", row.metric.better == eval::Direction::kHigher},
                   {"n", row.paired.n},
                   {"unpaired", row.n_unpaired},
                   {"prompts_differ", row.n_prompts_differ},
                   {"a", score_json(row.paired.reference)},
                   {"b", score_json(row.paired.variant)},
                   {"difference", score_json(row.paired.difference)},
                   {"low", score_json(row.paired.low)},
                   {"high", score_json(row.paired.high)},
                   {"p", score_json(row.p_value)},
                   {"p_test", row.flips ? "mcnemar_exact" : "paired_exchange"},
                   {"p_adjusted", score_json(row.p_adjusted)},
                   {"lost", row.flips ? Json(row.flips->lost) : Json()},
                   {"gained", row.flips ? Json(row.flips->gained) : Json()},
                   {"flips", row.flips ? score_json(row.flips->fraction()) : Json()},
                   {"n_needed", or_null(row.n_needed)}});
  }
  return out;
}

int compare_results(const std::filesystem::path& a,
                    const std::filesystem::path& b,
                    const Globals& globals) {
  const eval::LoggedRun run_a = eval::read_logged_run(a);
  const eval::LoggedRun run_b = eval::read_logged_run(b);
  const auto differences = study::differing_conditions(study::read_run_conditions(run_a.path),
                                                       study::read_run_conditions(run_b.path));
  const auto rows = eval::compare_runs(run_a, run_b);
  if (globals.json) {
    print_out(dump_json({{"a", run_a.path.string()},
                         {"b", run_b.path.string()},
                         {"comparable", !conditions_differ(differences)},
                         {"conditions", conditions_json(differences)},
                         {"metrics", compare_json(rows)}}) +
              "\n");
    return kDone;
  }
  const std::string lines = condition_lines(differences, false);
  print_out((lines.empty() ? "" : "Conditions differ:\n" + lines + "\n") + compare_table(rows));
  return kDone;
}

}  // namespace nibble::app
