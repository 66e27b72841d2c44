#include "eval/stats/ranks.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/nan.h"
#include "eval/stats/tails.h"

namespace nibble::eval::stats {
namespace {

std::vector<std::size_t> ascending_order(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  return order;
}

/// Calls run(first, end) for the runs of equal values in ascending order.
template <class Run>
void for_ties(std::span<const double> values, std::span<const std::size_t> order, const Run& run) {
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    while (end < order.size() && values[order[end]] == values[order[first]]) {
      ++end;
    }
    run(first, end);
    first = end;
  }
}

/// Sum over ties of t^3 - t.
double tie_sum(std::span<const double> values) {
  double sum = 0.0;
  for_ties(values, ascending_order(values), [&sum](std::size_t first, std::size_t end) {
    const auto t = static_cast<double>(end - first);
    sum += t * t * t - t;
  });
  return sum;
}

}  // namespace

std::vector<double> mid_ranks(std::span<const double> values) {
  std::vector<double> ranks(values.size());
  const std::vector<std::size_t> order = ascending_order(values);
  for_ties(values, order, [&](std::size_t first, std::size_t end) {
    const double rank = 0.5 * static_cast<double>(first + 1 + end);
    for (std::size_t i = first; i < end; ++i) {
      ranks[order[i]] = rank;
    }
  });
  return ranks;
}

GroupComparison mann_whitney(std::span<const double> first, std::span<const double> second) {
  if (first.empty() || second.empty()) {
    return {kNaN, kNaN, kNaN};
  }
  std::vector<double> all(first.begin(), first.end());
  all.insert(all.end(), second.begin(), second.end());
  const std::vector<double> ranks = mid_ranks(all);
  const auto n_first = static_cast<double>(first.size());
  const auto n_second = static_cast<double>(second.size());
  const double n = n_first + n_second;
  const double rank_sum = std::accumulate(
      ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(first.size()), 0.0);
  GroupComparison result;
  result.u = rank_sum - n_first * (n_first + 1) / 2;
  result.cliffs_delta = 2 * result.u / (n_first * n_second) - 1;
  const double variance = n_first * n_second / 12 * (n + 1 - tie_sum(all) / (n * (n - 1)));
  const double distance = std::abs(result.u - n_first * n_second / 2);
  result.p_value =
      variance > 0.0
          ? std::min(1.0, normal_two_sided(std::max(0.0, distance - 0.5) / std::sqrt(variance)))
          : kNaN;
  return result;
}

}  // namespace nibble::eval::stats
