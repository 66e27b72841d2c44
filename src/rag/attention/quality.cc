#include "rag/attention/quality.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/nan.h"
#include "eval/stats/bootstrap.h"

namespace nibble::rag {
namespace {

using eval::stats::Interval;
using eval::stats::ResampleOptions;
using Samples = std::span<const std::uint32_t>;

void check_same(std::size_t n_attention, std::size_t n_scores) {
  if (n_attention != n_scores) {
    raise(ErrorCode::kInvalidArgument,
          "attention of {} questions beside {} scores, wanted the same questions",
          n_attention,
          n_scores);
  }
}

double mean_of(std::span<const double> values) {
  return values.empty() ? kNaN
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

double median_of(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return sorted.empty() ? kNaN : eval::stats::quantile(sorted, 0.5);
}

std::vector<double> picked(std::span<const double> values, Samples samples) {
  std::vector<double> out;
  out.reserve(samples.size());
  for (const std::uint32_t i : samples) {
    out.push_back(values[i]);
  }
  return out;
}

}  // namespace

AttentionSplit split_by_attention(std::span<const double> attention,
                                  std::span<const double> scores,
                                  const ResampleOptions& options) {
  check_same(attention.size(), scores.size());
  AttentionSplit out;
  out.median = median_of(attention);
  std::vector<double> high;
  std::vector<double> low;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    (attention[i] > out.median ? high : low).push_back(scores[i]);
  }
  out.n_high = high.size();
  out.n_low = low.size();
  out.high = mean_of(high);
  out.low = mean_of(low);
  out.comparison = eval::stats::mann_whitney(high, low);
  out.difference = eval::stats::bootstrap_interval(
      scores.size(),
      [&](Samples samples) {
        double sums[2] = {};
        double counts[2] = {};
        for (const std::uint32_t i : samples) {
          const std::size_t group = attention[i] > out.median ? 1 : 0;
          sums[group] += scores[i];
          ++counts[group];
        }
        return sums[1] / counts[1] - sums[0] / counts[0];
      },
      options);
  return out;
}

eval::stats::Correlation correlation_in_slots(std::span<const double> attention,
                                              std::span<const double> scores,
                                              std::span<const std::size_t> slots) {
  check_same(attention.size(), scores.size());
  check_same(attention.size(), slots.size());
  std::map<std::size_t, std::vector<std::uint32_t>> members;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    members[slots[i]].push_back(static_cast<std::uint32_t>(i));
  }
  std::vector<eval::stats::Correlation> groups;
  for (const auto& [slot, samples] : members) {
    groups.push_back(eval::stats::spearman(picked(attention, samples), picked(scores, samples)));
  }
  return eval::stats::pooled(groups);
}

Interval correlation_change(const AttentionAndScores& variant,
                            const AttentionAndScores& reference,
                            CorrelationValue correlation,
                            const ResampleOptions& options) {
  check_same(variant.attention.size(), variant.scores.size());
  check_same(reference.attention.size(), reference.scores.size());
  check_same(variant.scores.size(), reference.scores.size());
  return eval::stats::bootstrap_interval(
      variant.scores.size(),
      [&](Samples samples) {
        return correlation(picked(variant.attention, samples), picked(variant.scores, samples)) -
               correlation(picked(reference.attention, samples), picked(reference.scores, samples));
      },
      options);
}

}  // namespace nibble::rag
