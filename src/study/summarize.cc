#include "study/summarize.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "eval/stats/flips.h"
#include "eval/stats/interval.h"
#include "eval/stats/multiple.h"
#include "eval/stats/paired.h"
#include "eval/stats/paired_proportions.h"
#include "study/plan_index.h"

namespace nibble::study {
namespace {

using eval::Contribution;

eval::Transform transform_of(const store::MetricRecord& metric) {
  const auto transform = eval::transform_from_name(metric.transform);
  if (!transform) {
    raise(ErrorCode::kCorruptData,
          "the store's metric {}: transform '{}' is not known, wanted one of this program's",
          metric.name,
          metric.transform);
  }
  return *transform;
}

std::optional<double> unless_nan(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

Contribution contribution(const store::ScoreRecord::Ratio& ratio) {
  return {ratio.sum, ratio.weight};
}

/// The samples that both answered, in order.
struct Pairs {
  std::vector<Contribution> variant, reference;
};

Pairs pair_up(const std::vector<store::ScoreRow>& variant,
              const std::vector<store::ScoreRow>& reference) {
  std::map<std::size_t, store::ScoreRecord::Ratio> by_index;
  for (const store::ScoreRow& row : reference) {
    if (row.ratio) {
      by_index[row.index] = *row.ratio;
    }
  }
  Pairs pairs;
  for (const store::ScoreRow& row : variant) {
    const auto found = by_index.find(row.index);
    if (row.ratio && found != by_index.end()) {
      pairs.variant.push_back(contribution(*row.ratio));
      pairs.reference.push_back(contribution(found->second));
    }
  }
  return pairs;
}

/// Answers that changed, and the interval that they carry: a bootstrap without a change has no
/// width.
void add_flips(store::ComparisonRecord& comparison, const Pairs& pairs) {
  if (!std::ranges::all_of(pairs.variant, eval::is_right_or_wrong) ||
      !std::ranges::all_of(pairs.reference, eval::is_right_or_wrong)) {
    return;
  }
  std::vector<double> variant, reference;
  for (std::size_t i = 0; i < pairs.variant.size(); ++i) {
    variant.push_back(pairs.variant[i].sum);
    reference.push_back(pairs.reference[i].sum);
  }
  const eval::stats::Flips flips = eval::stats::count_flips(variant, reference);
  comparison.lost = flips.lost;
  comparison.gained = flips.gained;
  const eval::stats::Interval interval = eval::stats::paired_proportion_interval(flips);
  comparison.low = interval.low;
  comparison.high = interval.high;
}

std::optional<store::ComparisonRecord> compare(const Pairs& pairs,
                                               const store::MetricRecord& metric) {
  const auto paired =
      eval::stats::paired_difference(pairs.variant, pairs.reference, transform_of(metric));
  for (const double value : {paired.difference, paired.low, paired.high, paired.p_value}) {
    if (std::isnan(value)) {
      return std::nullopt;  // fewer than two pairs
    }
  }
  store::ComparisonRecord out{
      paired.difference, paired.low, paired.high, paired.p_value, 1, paired.n, {}, {}};
  add_flips(out, pairs);
  return out;
}

/// Scores that are themselves a distance from the reference: whether they differ from the
/// reference's own is no question, and no member of the family that Holm's correction covers.
bool is_distance(const store::TaskRecord& task) {
  return !task.metrics.empty() && task.metrics.front().name == "kl";
}

store::SummaryRecord summarize_metric(const store::UnitRecord& unit,
                                      const store::MetricRecord& metric,
                                      const std::vector<store::ScoreRow>& rows) {
  std::vector<Contribution> answered;
  for (const store::ScoreRow& row : rows) {
    if (row.ratio) {
      answered.push_back(contribution(*row.ratio));
    }
  }
  store::SummaryRecord out{
      unit.id, metric.name, answered.size(), rows.size() - answered.size(), {}, {}, {}, {}};
  if (!answered.empty()) {
    const auto interval = eval::stats::metric_interval(answered, transform_of(metric));
    out.value = unless_nan(interval.value);
    out.low = unless_nan(interval.low);
    out.high = unless_nan(interval.high);
  }
  return out;
}

/// Replaces the p-values of one family by Holm's; `members` point into the summaries.
void adjust(const std::vector<store::SummaryRecord*>& members) {
  std::vector<double> p;
  for (const store::SummaryRecord* row : members) {
    p.push_back(row->comparison->p_value);
  }
  const std::vector<double> adjusted = eval::stats::holm_adjusted(p);
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i]->comparison->p_adjusted = adjusted[i];
  }
}

class Summarizer {
 public:
  explicit Summarizer(const store::Store& store)
      : store_(store), plan_(store.plan()), index_(plan_) {
    for (store::SummaryRecord& row : store.summaries()) {
      auto key = std::pair(row.unit, row.metric);
      known_.emplace(std::move(key), std::move(row));
    }
    for (std::size_t unit = 0; unit < plan_.units.size(); ++unit) {
      is_complete_.push_back(is_complete(unit));
    }
  }

  std::vector<store::SummaryRecord> run() {
    for (std::size_t unit = 0; unit < plan_.units.size(); ++unit) {
      if (is_complete_[unit]) {
        add_unit(unit, plan_.tasks[*index_.task_of(unit)]);
      }
    }
    for (const bool headline : {true, false}) {
      std::vector<store::SummaryRecord*> family;
      for (std::size_t i = 0; i < out_.size(); ++i) {
        if (is_headline_[i] == headline && out_[i].comparison) {
          family.push_back(&out_[i]);
        }
      }
      adjust(family);
    }
    return std::move(out_);
  }

 private:
  /// Whether it is of a task and all samples are stored. What has been summed up was, and no
  /// sample is ever taken out.
  [[nodiscard]] bool is_complete(std::size_t number) const {
    const auto position = index_.task_of(number);
    if (!position) {
      return false;
    }
    const store::UnitRecord& unit = plan_.units[number];
    const store::TaskRecord& task = plan_.tasks[*position];
    return (!task.metrics.empty() && known_.contains({unit.id, task.metrics.front().name})) ||
           store_.sample_indexes(unit.id).size() == task.n_samples;
  }

  /// nullptr for the reference's own units, and where its is not complete.
  [[nodiscard]] const store::UnitRecord* reference_of(std::size_t unit) const {
    const auto found = index_.reference_of(unit);
    return found && is_complete_[*found] ? &plan_.units[*found] : nullptr;
  }

  [[nodiscard]] store::SummaryRecord fresh(const store::UnitRecord& unit,
                                           const store::MetricRecord& metric,
                                           const store::UnitRecord* reference) const {
    const auto rows = store_.scores(unit.id, metric.name);
    store::SummaryRecord row = summarize_metric(unit, metric, rows);
    if (reference != nullptr) {
      row.comparison = compare(pair_up(rows, store_.scores(reference->id, metric.name)), metric);
    }
    return row;
  }

  void add_unit(std::size_t number, const store::TaskRecord& task) {
    const store::UnitRecord& unit = plan_.units[number];
    const store::UnitRecord* reference = is_distance(task) ? nullptr : reference_of(number);
    for (std::size_t m = 0; m < task.metrics.size(); ++m) {
      const store::MetricRecord& metric = task.metrics[m];
      const auto known = known_.find({unit.id, metric.name});
      const bool is_known =
          known != known_.end() && (reference == nullptr || known->second.comparison);
      out_.push_back(is_known ? known->second : fresh(unit, metric, reference));
      if (reference == nullptr) {
        out_.back().comparison.reset();
      }
      is_headline_.push_back(m == 0);
    }
  }

  const store::Store& store_;
  store::Plan plan_;
  PlanIndex index_;
  std::vector<bool> is_complete_;  // parallel to the plan's units
  std::map<std::pair<std::string, std::string>, store::SummaryRecord> known_;
  std::vector<store::SummaryRecord> out_;
  std::vector<bool> is_headline_;
};

}  // namespace

std::vector<store::SummaryRecord> summarize(const store::Store& store) {
  const store::Snapshot snapshot(store);
  return Summarizer(store).run();
}

}  // namespace nibble::study
