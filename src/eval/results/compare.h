/// Two runs on the same documents: paired differences, flips, and what they show.
///
/// For scores that are right or wrong p is McNemar's exact one and the interval Tango's, else both
/// are from resampling pairs (stats/paired.h). Holm's correction covers the first metric of every
/// task as one family, groups as a whole, and everything else as another.
///
/// Errors     Error(kMismatch) where a document of the same number is another; Error(kNotFound)
///            for runs without a task in common
/// Source     eval/stats
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/results/logged_run.h"
#include "eval/stats/flips.h"
#include "eval/stats/paired.h"

namespace nibble::eval {

struct ComparedMetric {
  std::string task;
  MetricRow metric;
  bool is_headline = false;
  stats::PairedDifference paired;  ///< of B (variant) against A (reference)
  double p_value = 0, p_adjusted = 0;
  std::optional<stats::Flips> flips;  ///< for scores that are right or wrong
  std::size_t n_unpaired = 0;         ///< answered by one of the two only, or in one file only
  std::size_t n_prompts_differ = 0;   ///< pairs that were asked in other words
  /// To find a difference like this one with 80 % power; none: no difference was seen.
  std::optional<std::size_t> n_needed;
};

std::vector<ComparedMetric> compare_runs(const LoggedRun& a, const LoggedRun& b);

}  // namespace nibble::eval
