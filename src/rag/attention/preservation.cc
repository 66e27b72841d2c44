#include "rag/attention/preservation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/nan.h"

namespace nibble::rag {
namespace {

void check_scores(std::span<const double> scores) {
  if (scores.empty()) {
    raise(ErrorCode::kInvalidArgument, "attention to no documents");
  }
}

void check_gold(std::span<const double> scores, Gold gold) {
  check_scores(scores);
  const auto is_none = [&](std::size_t g) { return g >= scores.size(); };
  if (gold.empty() || std::ranges::any_of(gold, is_none)) {
    raise(ErrorCode::kInvalidArgument,
          "attention to {} documents, of which {} answer: gold documents among them are wanted",
          scores.size(),
          gold.size());
  }
}

void check_pair(std::span<const double> a, std::span<const double> b) {
  check_scores(a);
  if (a.size() != b.size()) {
    raise(ErrorCode::kInvalidArgument,
          "attention to {} documents beside attention to {}, wanted the same",
          a.size(),
          b.size());
  }
}

double log2_ratio_term(double p, double m) {
  return p > 0.0 ? p * std::log2(p / m) : 0.0;
}

}  // namespace

double precision_at_1(std::span<const double> scores, Gold gold) {
  check_gold(scores, gold);
  const double top = std::ranges::max(scores);
  const auto n_top = std::ranges::count(scores, top);
  const auto n_gold = std::ranges::count_if(gold, [&](std::size_t g) { return scores[g] == top; });
  return static_cast<double>(n_gold) / static_cast<double>(n_top);
}

double gold_rank(std::span<const double> scores, Gold gold) {
  check_gold(scores, gold);
  double best = std::numeric_limits<double>::infinity();
  for (const std::size_t g : gold) {
    const auto n_above =
        std::ranges::count_if(scores, [&](double score) { return score > scores[g]; });
    const auto n_equal = std::ranges::count(scores, scores[g]) - 1;
    best = std::min(best, 1.0 + static_cast<double>(n_above) + 0.5 * static_cast<double>(n_equal));
  }
  return best;
}

double gold_mass(std::span<const double> shares, Gold gold) {
  check_gold(shares, gold);
  return std::accumulate(
      gold.begin(), gold.end(), 0.0, [&](double sum, std::size_t g) { return sum + shares[g]; });
}

double gold_lift(std::span<const double> densities, Gold gold) {
  return gold_mass(densities, gold) * static_cast<double>(densities.size()) /
         static_cast<double>(gold.size());
}

double gini(std::span<const double> scores) {
  check_scores(scores);
  std::vector<double> ascending(scores.begin(), scores.end());
  std::ranges::sort(ascending);
  const auto n = static_cast<double>(ascending.size());
  double weighted = 0.0;
  double sum = 0.0;
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    weighted += static_cast<double>(i + 1) * ascending[i];
    sum += ascending[i];
  }
  return sum > 0.0 ? 2 * weighted / (n * sum) - (n + 1) / n : kNaN;
}

double gini_scaled(std::span<const double> scores) {
  const auto n = static_cast<double>(scores.size());
  return scores.size() == 1 ? kNaN : gini(scores) * n / (n - 1);
}

double normalized_entropy(std::span<const double> shares) {
  check_scores(shares);
  double sum = 0.0;
  for (const double p : shares) {
    sum -= p > 0.0 ? p * std::log(p) : 0.0;
  }
  return shares.size() == 1 ? kNaN : sum / std::log(static_cast<double>(shares.size()));
}

double agreement_at_1(std::span<const double> a, std::span<const double> b) {
  check_pair(a, b);
  const double top_a = std::ranges::max(a);
  const double top_b = std::ranges::max(b);
  std::size_t n_both = 0;
  std::size_t n_any = 0;
  for (std::size_t j = 0; j < a.size(); ++j) {
    n_both += a[j] == top_a && b[j] == top_b ? 1U : 0U;
    n_any += a[j] == top_a || b[j] == top_b ? 1U : 0U;
  }
  return static_cast<double>(n_both) / static_cast<double>(n_any);
}

double js_divergence(std::span<const double> p, std::span<const double> q) {
  check_pair(p, q);
  double sum = 0.0;
  for (std::size_t j = 0; j < p.size(); ++j) {
    const double middle = (p[j] + q[j]) / 2;
    sum += log2_ratio_term(p[j], middle) + log2_ratio_term(q[j], middle);
  }
  return std::clamp(sum / 2, 0.0, 1.0);
}

double variation(std::span<const double> p, std::span<const double> q) {
  check_pair(p, q);
  double sum = 0.0;
  for (std::size_t j = 0; j < p.size(); ++j) {
    sum += std::abs(p[j] - q[j]);
  }
  return sum / 2;
}

}  // namespace nibble::rag
