#include "eval/stats/paired_proportions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/nan.h"

namespace nibble::eval::stats {
namespace {

struct Counts {
  double n, lost, gained;
};

/// The score statistic of the hypothesis that the difference is `d`; falls as `d` grows.
double score(const Counts& counts, double d) {
  const auto [n, lost, gained] = counts;
  const double b = -gained - lost + (2 * n - gained + lost) * d;
  const double c = -lost * d * (1 - d);
  const double q = (std::sqrt(std::max(0.0, b * b - 8 * n * c)) - b) / (4 * n);
  const double variance = n * (2 * q + d * (1 - d));
  const double distance = gained - lost - n * d;
  if (variance > 0) {
    return distance / std::sqrt(variance);
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return distance == 0 ? 0.0 : std::copysign(kInfinity, distance);
}

/// Where the statistic falls through `level` between `low` and `high`.
double crossing(const Counts& counts, double level, double low, double high) {
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (score(counts, middle) > level ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

Interval paired_proportion_interval(const Flips& flips, double confidence) {
  if (flips.n == 0) {
    return {kNaN, kNaN, kNaN, 0};
  }
  const Counts counts{static_cast<double>(flips.n),
                      static_cast<double>(flips.lost),
                      static_cast<double>(flips.gained)};
  const double z = normal_quantile_two_sided(confidence);
  const double seen = (counts.gained - counts.lost) / counts.n;
  return {seen, crossing(counts, z, -1, seen), crossing(counts, -z, seen, 1), flips.n};
}

}  // namespace nibble::eval::stats
