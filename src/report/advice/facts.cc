#include "report/advice/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/stats/interval.h"
#include "eval/stats/paired_proportions.h"
#include "eval/stats/power.h"
#include "report/profile/figures.h"

namespace nibble::report {
namespace {

namespace stats = eval::stats;

constexpr double kConfidence = 0.95;

Cost median_of(const Variant& variant, std::string_view name) {
  const Known<double> known = variant.median(name);
  return {known.value, {}, known.reason, {}};
}

Cost first_token_p95(const Variant& variant) {
  const Known<Spread> known = variant.measured("first_token");
  if (!known.value) {
    return {{}, {}, known.reason, {}};
  }
  const Spread& spread = *known.value;
  if (const auto p95 = percentile(spread, 0.95)) {
    return {p95, {}, "", {}};
  }
  return {{},
          spread.min,
          fmt::format("{} repetitions carry no 95th percentile", spread.n),
          least_values(0.95)};
}

Cost memory_of(const Variant& variant) {
  const Known<Spread> peak = variant.measured("peak_memory");
  if (peak.value) {
    return {peak.value->max, {}, "", {}};
  }
  return {{},
          variant.weight_bytes().value,
          peak.reason.empty() ? "peak memory was not measured" : peak.reason,
          {}};
}

/// Where even the reference knows nothing a loss cannot show: the reason, or "".
std::string floor_reason(const Data& data, std::size_t task) {
  const store::MetricRecord& metric = data.tasks[task].metrics.front();
  const Outcome& reference = data.variants.front().outcomes[task];
  const auto& known = reference.metrics.front().value;
  if (!known || !says_right_or_wrong(metric)) {
    return "";
  }
  const std::optional<double> chance = reference.doubts.chance;
  const bool is_choice = metric.name == "acc" || metric.name == "acc_norm";
  if (is_choice && chance && known->low && *known->low <= *chance) {
    return "the reference itself cannot be told from guessing, so a loss cannot show";
  }
  return *known->value <= 0 ? "the reference scores zero, so a loss cannot show" : "";
}

double half_width(double low, double high) {
  return (high - low) / 2;
}

/// The deviation of one pair that an interval of n pairs speaks of.
double deviation_of(double low, double high, std::size_t n) {
  return half_width(low, high) / stats::normal_quantile_two_sided(kConfidence) *
         std::sqrt(static_cast<double>(n));
}

/// The largest share that may lose something, where `k` of `n` did.
double most_share(std::size_t k, std::size_t n) {
  return -stats::paired_proportion_interval({n, k, 0}, kConfidence).low;
}

void bound_right_or_wrong(Loss& loss, const store::ComparisonRecord& with, bool higher_is_better) {
  const stats::Interval difference =
      stats::paired_proportion_interval({with.n, *with.lost, *with.gained}, kConfidence);
  loss.low = higher_is_better ? -difference.high : difference.low;
  loss.high = higher_is_better ? -difference.low : difference.high;
  const double flips = static_cast<double>(*with.lost + *with.gained);
  loss.deviation = std::sqrt(flips / static_cast<double>(with.n) - *loss.seen * *loss.seen);
}

void bound_otherwise(Loss& loss,
                     const store::ComparisonRecord& with,
                     const std::optional<DifferingPairs>& differing,
                     bool higher_is_better) {
  double low = higher_is_better ? -with.high : with.low;
  double high = higher_is_better ? -with.low : with.high;
  loss.deviation = deviation_of(low, high, with.n);
  if (differing) {
    const std::size_t n_worse = higher_is_better ? differing->n_lower : differing->n_higher;
    const std::size_t n_better = higher_is_better ? differing->n_higher : differing->n_lower;
    if (n_worse + n_better < kLeastPairs) {
      low = std::min(low, -most_share(n_better, with.n));
      high = std::max(high, most_share(n_worse, with.n));
    }
  } else if (with.n < kLeastPairs) {
    loss.reason = fmt::format("{} samples carry no interval of this score", with.n);
    return;
  }
  loss.low = low;
  loss.high = high;
}

Loss distance_loss(const store::SummaryRecord& row) {
  Loss loss{row.value, {}, {}, "", row.n, 0, false};
  if (row.n < kLeastPairs || !row.low || !row.high) {
    loss.reason = fmt::format("{} samples carry no interval of this score", row.n);
    return loss;
  }
  loss.low = row.low;
  loss.high = row.high;
  loss.deviation = deviation_of(*row.low, *row.high, row.n);
  return loss;
}

/// Of too few samples there is no difference with an interval, whatever the reference has.
std::string why_not_compared(const store::SummaryRecord& row) {
  return row.n < kLeastPairs ? fmt::format("{} samples carry no interval of this score", row.n)
                             : "the reference has no score to compare with";
}

Loss loss_of(const Data& data, const Variant& variant, std::size_t task) {
  if (data.tasks[task].metrics.empty()) {
    return {{}, {}, {}, "no metric", 0, 0, false};
  }
  const store::MetricRecord& metric = data.tasks[task].metrics.front();
  const bool is_share = is_fraction(metric);
  const Outcome& outcome = variant.outcomes[task];
  const Known<store::SummaryRecord>& known = outcome.metrics.front();
  if (!known.value) {
    return {{}, {}, {}, known.reason, 0, 0, is_share};
  }
  if (variant.is_reference) {
    return {0, 0, 0, "", known.value->n, 0, is_share};
  }
  if (is_distance(metric)) {
    return distance_loss(*known.value);
  }
  if (!known.value->comparison) {
    return {{}, {}, {}, why_not_compared(*known.value), 0, 0, is_share};
  }
  const store::ComparisonRecord& with = *known.value->comparison;
  Loss loss{metric.higher_is_better ? -with.difference : with.difference,
            {},
            {},
            floor_reason(data, task),
            with.n,
            0,
            is_share};
  if (!loss.reason.empty()) {
    return loss;
  }
  if (with.lost && with.gained) {
    bound_right_or_wrong(loss, with, metric.higher_is_better);
  } else {
    bound_otherwise(loss, with, outcome.differing, metric.higher_is_better);
  }
  return loss;
}

}  // namespace

std::vector<Facts> facts_of(const Data& data) {
  std::vector<Facts> out;
  for (const Variant& variant : data.variants) {
    Facts facts{&variant,
                memory_of(variant),
                median_of(variant, "first_token"),
                first_token_p95(variant),
                median_of(variant, "decode"),
                median_of(variant, "decode_energy"),
                {}};
    for (std::size_t t = 0; t < data.tasks.size(); ++t) {
      facts.losses.push_back(loss_of(data, variant, t));
    }
    out.push_back(std::move(facts));
  }
  return out;
}

std::optional<std::size_t> pairs_needed(const Loss& loss, double margin) {
  if (!loss.seen) {
    return std::nullopt;
  }
  const double room = margin - *loss.seen;
  auto needed = stats::samples_needed_for_mean(loss.deviation, room);
  if (loss.is_share && margin > 0 && margin < 1 && room > 0) {
    // With no loss at all the bound is still z^2 / (n + z^2).
    const double z = stats::normal_quantile_two_sided(kConfidence);
    const auto least = static_cast<std::size_t>(std::ceil(z * z * (1 - margin) / margin));
    needed = std::max(needed.value_or(0), least);
  } else if (!loss.is_share && needed) {
    needed = std::max(*needed, kLeastPairs);
  }
  return needed ? std::optional(std::max(*needed, loss.n + 1)) : std::nullopt;
}

}  // namespace nibble::report
