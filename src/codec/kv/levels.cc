#include "codec/kv/levels.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nibble::codec {

LevelCoder::LevelCoder(std::span<const float> levels) noexcept {
  thresholds_.fill(std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    thresholds_[i] = (levels[i] + levels[i + 1]) / 2;
  }
}

std::uint8_t LevelCoder::code(const KvSpan& span, float x) const noexcept {
  const float unit = span.half > 0 ? (x - span.middle) / span.half : 0.0F;
  int n_below = 0;
  for (const float threshold : thresholds_) {
    n_below += unit > threshold ? 1 : 0;
  }
  return static_cast<std::uint8_t>(n_below);
}

float quantile(std::span<const float> ascending, double share) noexcept {
  const double place = share * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  const auto weight = static_cast<float>(place - static_cast<double>(below));
  return ascending[below] + weight * (ascending[above] - ascending[below]);
}

TokenLimits limits_of_token(std::span<const float> x) {
  std::vector<float> sorted(x.begin(), x.end());
  std::ranges::sort(sorted);
  const KvLimits cut{quantile(sorted, kKvOutlierShare / 2),
                     quantile(sorted, 1.0 - kKvOutlierShare / 2)};
  TokenLimits out;
  const auto is_kept = [&cut](float value) { return value <= cut.lower || value >= cut.upper; };
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (is_kept(x[i])) {
      out.outliers.push_back(static_cast<std::uint16_t>(i));
    }
  }
  const auto first = std::ranges::find_if_not(sorted, is_kept);
  const auto last = std::find_if_not(sorted.rbegin(), sorted.rend(), is_kept);
  // Where all entries are kept (they are equal, or two), the middle one stands for the rest.
  const float middle = sorted[(sorted.size() - 1) / 2];
  out.limits = first == sorted.end() ? KvLimits{middle, middle} : KvLimits{*first, *last};
  return out;
}

}  // namespace nibble::codec
