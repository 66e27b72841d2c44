#include "eval/stats/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/nan.h"
#include "eval/stats/random.h"

namespace nibble::eval::stats {
namespace {

void draw(std::span<std::uint32_t> samples, Random& random) {
  const auto n = static_cast<std::uint32_t>(samples.size());
  for (std::size_t i = 0; i < samples.size(); i += 2) {
    const auto [a, b] = random.pair_below(n);
    samples[i] = a;
    if (i + 1 < samples.size()) {
      samples[i + 1] = b;
    }
  }
}

}  // namespace

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
    draw(samples, random);
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
