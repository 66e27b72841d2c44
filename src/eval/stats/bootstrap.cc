#include "eval/stats/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/nan.h"
#include "eval/stats/random.h"

namespace nibble::eval::stats {

Interval bootstrap_interval(std::size_t n_samples,
                            Statistic statistic,
                            const ResampleOptions& options) {
  std::vector<std::uint32_t> samples(n_samples);
  std::iota(samples.begin(), samples.end(), 0U);
  Interval result{statistic(samples), kNaN, kNaN, n_samples};
  if (n_samples < 2) {
    return result;
  }
  Random random(options.seed);
  std::vector<double> replicates;
  for (std::size_t i = 0; i < options.n_replicates; ++i) {
    samples.clear();
    for_resample(static_cast<std::uint32_t>(n_samples), random, [&](std::uint32_t index) {
      samples.push_back(index);
    });
    const double replicate = statistic(samples);
    if (!std::isnan(replicate)) {
      replicates.push_back(replicate);
    }
  }
  if (2 * replicates.size() < std::max<std::size_t>(options.n_replicates, 1)) {
    return result;
  }
  std::ranges::sort(replicates);
  const double tail = (1 - options.confidence) / 2;
  result.low = quantile(replicates, tail);
  result.high = quantile(replicates, 1 - tail);
  return result;
}

}  // namespace nibble::eval::stats
