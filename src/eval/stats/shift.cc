#include "eval/stats/shift.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/nan.h"

namespace nibble::eval::stats {
namespace {

/// Above this many pairs the normal approximation takes the place of counting.
constexpr std::size_t kMostCounted = 2500;

/// P(U = u) for each u, where all orders of m + n values are as likely.
std::vector<double> mann_whitney_shares(std::size_t m, std::size_t n) {
  // Shares of i values of one kind among i + j: the largest value is of the first kind (then it is
  // above j of the other) or it is not.
  const std::size_t size = m * n + 1;
  std::vector<std::vector<double>> row(n + 1, std::vector<double>(size, 0.0));
  for (std::size_t j = 0; j <= n; ++j) {
    row[j][0] = 1.0;
  }
  for (std::size_t i = 1; i <= m; ++i) {
    for (std::size_t j = 1; j <= n; ++j) {
      const double share = static_cast<double>(i) / static_cast<double>(i + j);
      std::vector<double> next(size, 0.0);
      for (std::size_t u = 0; u <= i * j; ++u) {
        next[u] = (u >= j ? share * row[j][u - j] : 0.0) + (1 - share) * row[j - 1][u];
      }
      row[j] = std::move(next);
    }
  }
  return row[n];
}

/// The largest k with P(U < k) <= tail.
std::size_t rank_of_bound(std::size_t m, std::size_t n, double tail) {
  if (m * n > kMostCounted) {
    const auto pairs = static_cast<double>(m * n);
    const double deviation = std::sqrt(pairs * static_cast<double>(m + n + 1) / 12);
    const double k = pairs / 2 - normal_quantile_two_sided(1 - 2 * tail) * deviation;
    return static_cast<std::size_t>(std::max(0.0, std::floor(k)));
  }
  double below = 0;
  std::size_t k = 0;
  for (const double share : mann_whitney_shares(m, n)) {
    below += share;
    if (below > tail) {
      break;
    }
    ++k;
  }
  return k;
}

}  // namespace

Interval shift_interval(std::span<const double> a, std::span<const double> b, double confidence) {
  std::vector<double> differences;
  differences.reserve(a.size() * b.size());
  for (const double x : a) {
    for (const double y : b) {
      differences.push_back(x - y);
    }
  }
  std::ranges::sort(differences);
  const std::size_t k = rank_of_bound(a.size(), b.size(), (1 - confidence) / 2);
  return {quantile(differences, 0.5),
          k > 0 ? differences[k - 1] : kNaN,
          k > 0 ? differences[differences.size() - k] : kNaN,
          differences.size()};
}

}  // namespace nibble::eval::stats
