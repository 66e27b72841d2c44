#include "eval/stats/flips.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"

namespace nibble::eval::stats {

double Flips::fraction() const noexcept {
  return n == 0 ? std::numeric_limits<double>::quiet_NaN()
                : static_cast<double>(lost + gained) / static_cast<double>(n);
}

Flips count_flips(std::span<const double> variant, std::span<const double> reference) {
  if (variant.size() != reference.size()) {
    raise(ErrorCode::kInvalidArgument,
          "{} scores of the variant against {} of the reference, wanted the same samples",
          variant.size(),
          reference.size());
  }
  Flips flips{.n = variant.size()};
  for (std::size_t i = 0; i < variant.size(); ++i) {
    const bool now = variant[i] >= 0.5;
    const bool before = reference[i] >= 0.5;
    flips.lost += before && !now ? 1U : 0U;
    flips.gained += now && !before ? 1U : 0U;
  }
  return flips;
}

double mcnemar_exact(std::size_t lost, std::size_t gained) noexcept {
  const auto n = static_cast<double>(lost + gained);
  double tail = 0;
  for (std::size_t i = 0; i <= std::min(lost, gained); ++i) {
    const auto k = static_cast<double>(i);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) -
                     n * std::numbers::ln2);
  }
  return std::min(1.0, 2 * tail);
}

}  // namespace nibble::eval::stats
