#include "eval/metrics/best_threshold.h"

#include <algorithm>
#include <vector>

#include "base/nan.h"
#include "eval/stats/random.h"

namespace nibble::eval {
namespace {

/// `sorted` by probability; question i counts counts[i] times.
double best_of(std::span<const ThresholdQuestion> sorted, std::span<const std::uint32_t> counts) {
  double now = 0;
  double n = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    now += sorted[i].has_answer ? 0 : counts[i];
    n += counts[i];
  }
  double best = now;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    now += sorted[i].gain * counts[i];
    best = std::max(best, now);
  }
  return best / n;
}

}  // namespace

stats::Interval best_over_thresholds(std::span<const ThresholdQuestion> questions,
                                     const stats::ResampleOptions& options) {
  if (questions.empty()) {
    return {kNaN, kNaN, kNaN, 0};
  }
  std::vector<ThresholdQuestion> sorted(questions.begin(), questions.end());
  std::ranges::stable_sort(sorted, {}, &ThresholdQuestion::no_answer_probability);
  std::vector<std::uint32_t> counts(sorted.size(), 1);
  stats::Interval out{best_of(sorted, counts), kNaN, kNaN, sorted.size()};
  if (sorted.size() < 2) {
    return out;
  }
  stats::Random random(options.seed);
  std::vector<double> replicates(options.n_replicates);
  for (double& replicate : replicates) {
    std::ranges::fill(counts, 0U);
    stats::for_resample(static_cast<std::uint32_t>(counts.size()),
                        random,
                        [&counts](std::uint32_t i) { ++counts[i]; });
    replicate = best_of(sorted, counts);
  }
  std::ranges::sort(replicates);
  const double tail = (1 - options.confidence) / 2;
  out.low = stats::quantile(replicates, tail);
  out.high = stats::quantile(replicates, 1 - tail);
  return out;
}

}  // namespace nibble::eval
