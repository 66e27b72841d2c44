#include "report/advice/margins.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "eval/stats/paired.h"
#include "eval/stats/paired_proportions.h"
#include "eval/stats/shift.h"
#include "report/format.h"

namespace nibble::report {
namespace {

namespace stats = eval::stats;

std::optional<double> unless_nan(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

struct Measured {
  std::string_view name, what, unit;
};
constexpr Measured kMeasured[] = {{"first_token", "first token", "ms"},
                                  {"decode", "decoding", "ms/token"},
                                  {"decode_energy", "energy", "J/token"}};

std::optional<WinnerMargin> measured_margin(const Measured& row, const Duel& duel) {
  const auto winner = duel.winner.variant->measured(row.name).value;
  const auto runner_up = duel.runner_up.variant->measured(row.name).value;
  if (!winner || !runner_up) {
    return std::nullopt;
  }
  const stats::Interval shift = stats::shift_interval(winner->sorted, runner_up->sorted);
  return WinnerMargin{std::string(row.what),
                      std::string(row.unit),
                      winner->median,
                      runner_up->median,
                      shift.value,
                      unless_nan(shift.low),
                      unless_nan(shift.high),
                      winner->n};
}

std::optional<WinnerMargin> memory_margin(const Duel& duel) {
  const bool is_peak = duel.winner.memory.value && duel.runner_up.memory.value;
  const auto a = is_peak ? duel.winner.memory.value : duel.winner.memory.least;
  const auto b = is_peak ? duel.runner_up.memory.value : duel.runner_up.memory.least;
  if (!a || !b) {
    return std::nullopt;
  }
  return WinnerMargin{is_peak ? "peak memory" : "packed weights",
                      "MB",
                      *a / kMegabyte,
                      *b / kMegabyte,
                      (*a - *b) / kMegabyte,
                      {},
                      {},
                      0};
}

/// The samples that both answered.
struct Pairs {
  std::vector<eval::Contribution> winner, runner_up;
};

/// The scores of a store by variant and task.
class Scores {
 public:
  explicit Scores(const store::Store& store) : store_(store), plan_(store.plan()) {}

  [[nodiscard]] std::vector<store::ScoreRow> of(const Variant& variant,
                                                const store::TaskRecord& task) const {
    const auto unit = std::ranges::find_if(plan_.units, [&](const store::UnitRecord& row) {
      return row.variant == variant.record.id && row.task == task.id;
    });
    return unit != plan_.units.end() ? store_.scores(unit->id, task.metrics.front().name)
                                     : std::vector<store::ScoreRow>();
  }

 private:
  const store::Store& store_;
  store::Plan plan_;
};

Pairs pairs_of(const Scores& scores, const store::TaskRecord& task, const Duel& duel) {
  std::map<std::size_t, eval::Contribution> runner_up;
  for (const store::ScoreRow& row : scores.of(*duel.runner_up.variant, task)) {
    if (row.ratio) {
      runner_up.emplace(row.index, eval::Contribution{row.ratio->sum, row.ratio->weight});
    }
  }
  Pairs pairs;
  for (const store::ScoreRow& row : scores.of(*duel.winner.variant, task)) {
    const auto found = runner_up.find(row.index);
    if (row.ratio && found != runner_up.end()) {
      pairs.winner.push_back({row.ratio->sum, row.ratio->weight});
      pairs.runner_up.push_back(found->second);
    }
  }
  return pairs;
}

/// Of winner - runner-up in the metric's own direction.
stats::Interval difference_of(const Pairs& pairs, eval::Transform transform) {
  const bool is_choice = std::ranges::all_of(pairs.winner, eval::is_right_or_wrong) &&
                         std::ranges::all_of(pairs.runner_up, eval::is_right_or_wrong);
  if (is_choice && transform == eval::Transform::kIdentity) {
    std::vector<double> winner, runner_up;
    std::ranges::transform(pairs.winner, std::back_inserter(winner), &eval::Contribution::sum);
    std::ranges::transform(
        pairs.runner_up, std::back_inserter(runner_up), &eval::Contribution::sum);
    return stats::paired_proportion_interval(stats::count_flips(winner, runner_up));
  }
  const auto paired = stats::paired_difference(pairs.winner, pairs.runner_up, transform);
  return {paired.difference, paired.low, paired.high, paired.n};
}

std::optional<WinnerMargin> score_margin(const Scores& scores,
                                         const store::TaskRecord& task,
                                         const Duel& duel) {
  const store::MetricRecord& metric = task.metrics.front();
  const auto transform = eval::transform_from_name(metric.transform);
  if (!transform) {
    raise(ErrorCode::kCorruptData,
          "the store's metric {}: transform '{}' is not known, wanted one of this program's",
          metric.name,
          metric.transform);
  }
  const Pairs pairs = pairs_of(scores, task, duel);
  if (pairs.winner.empty()) {
    return std::nullopt;
  }
  const bool is_share = is_fraction(metric);
  const double scale = is_share ? 100 : 1;
  const stats::Interval difference = difference_of(pairs, *transform);
  return WinnerMargin{fmt::format("{} on {}", metric.name, task.name),
                      is_share ? "points" : "",
                      scale * eval::metric_value(pairs.winner, *transform),
                      scale * eval::metric_value(pairs.runner_up, *transform),
                      scale * difference.value,
                      unless_nan(scale * difference.low),
                      unless_nan(scale * difference.high),
                      difference.n,
                      metric.higher_is_better};
}

}  // namespace

std::vector<WinnerMargin> winner_margins(const store::Store& store,
                                         const Data& data,
                                         const Duel& duel) {
  std::vector<WinnerMargin> out;
  const auto add = [&out](std::optional<WinnerMargin> margin) {
    if (margin) {
      out.push_back(std::move(*margin));
    }
  };
  add(memory_margin(duel));
  for (const Measured& row : kMeasured) {
    add(measured_margin(row, duel));
  }
  const Scores scores(store);
  for (const CountedTask& task : duel.tasks) {
    add(score_margin(scores, data.tasks[task.index], duel));
  }
  return out;
}

}  // namespace nibble::report
