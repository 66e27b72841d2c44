#include "eval/stats/correlation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/nan.h"
#include "eval/stats/interval.h"
#include "eval/stats/ranks.h"
#include "eval/stats/tails.h"

namespace nibble::eval::stats {
namespace {

/// Of Spearman's atanh, over Pearson's.
constexpr double kSpearmanVariance = 1.06;
/// What rounding leaves of a pivot that is zero.
constexpr double kNoPivot = 1e-10;

void check_pairs(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) {
    raise(ErrorCode::kInvalidArgument,
          "correlation of {} values with {}, wanted the same samples",
          x.size(),
          y.size());
  }
}

double mean_of(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

/// `n_controls` were taken out; `variance` is that of atanh r times the samples.
Correlation with_chances(
    double r, std::size_t n, std::size_t n_controls, double variance, double confidence) {
  Correlation out{r, kNaN, kNaN, kNaN, n};
  const auto n_left = static_cast<double>(n) - static_cast<double>(n_controls);
  if (std::isnan(r) || n_left < 3) {
    return out;
  }
  const double freedom = n_left - 2;
  out.p_value = student_two_sided(r * std::sqrt(freedom / std::max(0.0, 1 - r * r)), freedom);
  if (n_left > 3) {
    const double reach = normal_quantile_two_sided(confidence) * std::sqrt(variance / (n_left - 3));
    out.low = std::tanh(std::atanh(r) - reach);
    out.high = std::tanh(std::atanh(r) + reach);
  }
  return out;
}

using Matrix = std::vector<std::vector<double>>;

/// Two columns of the inverse by elimination; nothing where there is none.
bool solve_in_place(Matrix& rows, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto better = [i](const auto& a, const auto& b) {
      return std::abs(a[i]) < std::abs(b[i]);
    };
    const auto from = rows.begin() + static_cast<std::ptrdiff_t>(i);
    std::iter_swap(from, std::max_element(from, rows.end(), better));
    if (!(std::abs(rows[i][i]) > kNoPivot)) {
      return false;
    }
    for (std::size_t r = 0; r < n; ++r) {
      const double factor = r == i ? 0.0 : rows[r][i] / rows[i][i];
      for (std::size_t c = i; c < rows[r].size(); ++c) {
        rows[r][c] -= factor * rows[i][c];
      }
    }
  }
  return true;
}

/// -P_01 / sqrt(P_00 P_11) of the inverse P of correlations [n, n].
double partial_r(Matrix correlations) {
  const std::size_t n = correlations.size();
  for (std::size_t i = 0; i < n; ++i) {
    correlations[i].push_back(i == 0 ? 1.0 : 0.0);
    correlations[i].push_back(i == 1 ? 1.0 : 0.0);
  }
  if (!solve_in_place(correlations, n)) {
    return kNaN;
  }
  const auto inverse = [&](std::size_t i, std::size_t j) {
    return correlations[i][n + j] / correlations[i][i];
  };
  const double r = -inverse(0, 1) / std::sqrt(inverse(0, 0) * inverse(1, 1));
  return std::clamp(r, -1.0, 1.0);
}

}  // namespace

double pearson_r(std::span<const double> x, std::span<const double> y) {
  check_pairs(x, y);
  if (x.size() < 3) {
    return kNaN;
  }
  const double mean_x = mean_of(x);
  const double mean_y = mean_of(y);
  double xx = 0.0;
  double xy = 0.0;
  double yy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x;
    const double dy = y[i] - mean_y;
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const double r = xy / std::sqrt(xx) / std::sqrt(yy);
  return std::isfinite(r) ? std::clamp(r, -1.0, 1.0) : kNaN;
}

double spearman_rho(std::span<const double> x, std::span<const double> y) {
  check_pairs(x, y);
  return pearson_r(mid_ranks(x), mid_ranks(y));
}

Correlation pearson(std::span<const double> x, std::span<const double> y, double confidence) {
  return with_chances(pearson_r(x, y), x.size(), 0, 1.0, confidence);
}

Correlation spearman(std::span<const double> x, std::span<const double> y, double confidence) {
  return with_chances(spearman_rho(x, y), x.size(), 0, kSpearmanVariance, confidence);
}

Correlation partial_spearman(std::span<const double> x,
                             std::span<const double> y,
                             std::span<const std::vector<double>> controls,
                             double confidence) {
  Matrix ranks = {mid_ranks(x), mid_ranks(y)};
  for (const std::vector<double>& control : controls) {
    ranks.push_back(mid_ranks(control));
  }
  Matrix correlations(ranks.size());
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    for (const std::vector<double>& other : ranks) {
      correlations[i].push_back(pearson_r(ranks[i], other));
    }
  }
  return with_chances(
      partial_r(std::move(correlations)), x.size(), controls.size(), kSpearmanVariance, confidence);
}

Correlation pooled(std::span<const Correlation> groups, double confidence) {
  double sum = 0.0;
  double weight = 0.0;
  std::size_t n = 0;
  for (const Correlation& group : groups) {
    if (!std::isnan(group.value) && group.n > 3) {
      const auto w = static_cast<double>(group.n - 3);
      const double most = 1 - 1 / static_cast<double>(group.n);
      sum += w * std::atanh(std::clamp(group.value, -most, most));
      weight += w;
      n += group.n;
    }
  }
  if (weight == 0.0) {
    return {kNaN, kNaN, kNaN, kNaN, 0};
  }
  const double z = sum / weight;
  const double reach = normal_quantile_two_sided(confidence) / std::sqrt(weight);
  return {std::tanh(z),
          std::tanh(z - reach),
          std::tanh(z + reach),
          normal_two_sided(z * std::sqrt(weight)),
          n};
}

}  // namespace nibble::eval::stats
