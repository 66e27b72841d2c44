#include "eval/stats/paired.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/nan.h"
#include "eval/stats/random.h"

namespace nibble::eval::stats {
namespace {

struct Pair {
  Contribution variant;
  Contribution reference;
};

void add(Contribution& total, const Contribution& one) {
  total.sum += one.sum;
  total.weight += one.weight;
}

struct Totals {
  Contribution variant{0, 0};
  Contribution reference{0, 0};

  void add_pair(const Pair& pair) {
    add(variant, pair.variant);
    add(reference, pair.reference);
  }
  void add_exchanged(const Pair& pair) {
    add(variant, pair.reference);
    add(reference, pair.variant);
  }
  [[nodiscard]] double difference(Transform transform) const {
    return apply(transform, variant.sum / variant.weight) -
           apply(transform, reference.sum / reference.weight);
  }
};

std::vector<Pair> make_pairs(std::span<const Contribution> variant,
                             std::span<const Contribution> reference) {
  if (variant.size() != reference.size()) {
    raise(ErrorCode::kInvalidArgument,
          "{} samples of the variant against {} of the reference, wanted the same samples",
          variant.size(),
          reference.size());
  }
  std::vector<Pair> pairs;
  pairs.reserve(variant.size());
  for (std::size_t i = 0; i < variant.size(); ++i) {
    if (!(variant[i].weight > 0) || !(reference[i].weight > 0)) {
      raise(ErrorCode::kInvalidArgument, "sample {} has a weight that is not above 0", i);
    }
    pairs.push_back({variant[i], reference[i]});
  }
  return pairs;
}

std::vector<double> resampled_differences(std::span<const Pair> pairs,
                                          Transform transform,
                                          const ResampleOptions& options) {
  Random random(options.seed);
  const auto n = static_cast<std::uint32_t>(pairs.size());
  std::vector<double> differences(options.n_replicates);
  for (double& difference : differences) {
    Totals totals;
    for_resample(n, random, [&](std::uint32_t index) { totals.add_pair(pairs[index]); });
    difference = totals.difference(transform);
  }
  std::ranges::sort(differences);
  return differences;
}

double standard_deviation(std::span<const double> values) {
  return mean_standard_error(values) * std::sqrt(static_cast<double>(values.size()));
}

double exchange_p_value(std::span<const Pair> pairs,
                        Transform transform,
                        const ResampleOptions& options) {
  Totals same;  // pairs whose exchange changes nothing
  Totals observed;
  std::vector<Pair> differing;
  for (const Pair& pair : pairs) {
    observed.add_pair(pair);
    if (pair.variant.sum == pair.reference.sum && pair.variant.weight == pair.reference.weight) {
      same.add_pair(pair);
    } else {
      differing.push_back(pair);
    }
  }
  if (differing.empty()) {
    return 1.0;
  }
  // Sums in another order differ in the last bits; a tie counts as at least as large.
  const double threshold = std::abs(observed.difference(transform)) * (1 - 1e-9) - 1e-15;
  Random random(options.seed + 1);
  std::size_t n_as_large = 0;
  for (std::size_t replicate = 0; replicate < options.n_replicates; ++replicate) {
    Totals totals = same;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < differing.size(); ++i) {
      bits = i % 64 == 0 ? random.next() : bits >> 1;
      if ((bits & 1) != 0) {
        totals.add_exchanged(differing[i]);
      } else {
        totals.add_pair(differing[i]);
      }
    }
    n_as_large += std::abs(totals.difference(transform)) >= threshold ? 1U : 0U;
  }
  return static_cast<double>(1 + n_as_large) / static_cast<double>(1 + options.n_replicates);
}

}  // namespace

PairedDifference paired_difference(std::span<const Contribution> variant,
                                   std::span<const Contribution> reference,
                                   Transform transform,
                                   const ResampleOptions& options) {
  const std::vector<Pair> pairs = make_pairs(variant, reference);
  PairedDifference result{};
  result.n = pairs.size();
  result.variant = metric_value(variant, transform);
  result.reference = metric_value(reference, transform);
  result.difference = result.variant - result.reference;
  if (pairs.size() < 2) {
    result.low = result.high = result.standard_error = result.p_value = kNaN;
    return result;
  }
  const std::vector<double> replicates = resampled_differences(pairs, transform, options);
  const double tail = (1 - options.confidence) / 2;
  result.low = quantile(replicates, tail);
  result.high = quantile(replicates, 1 - tail);
  result.standard_error = standard_deviation(replicates);
  result.p_value = exchange_p_value(pairs, transform, options);
  return result;
}

}  // namespace nibble::eval::stats
