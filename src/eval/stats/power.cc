#include "eval/stats/power.h"

#include <cmath>

namespace nibble::eval::stats {
namespace {

constexpr double kTwoSided5Percent = 1.959963984540054;
constexpr double kPower80Percent = 0.8416212335729143;
constexpr double kMost = 1e15;  // beyond this a number of samples says nothing

std::optional<std::size_t> rounded_up(double n) noexcept {
  return n > 0 && n < kMost ? std::optional(static_cast<std::size_t>(std::ceil(n))) : std::nullopt;
}

}  // namespace

std::optional<std::size_t> samples_needed(double flip_share, double difference) noexcept {
  const double d = std::abs(difference);
  if (!(d > 0) || !(flip_share >= d)) {
    return std::nullopt;
  }
  const double root =
      kTwoSided5Percent * std::sqrt(flip_share) + kPower80Percent * std::sqrt(flip_share - d * d);
  return rounded_up(root * root / (d * d));
}

std::optional<std::size_t> samples_needed_for_mean(double deviation, double difference) noexcept {
  if (!(std::abs(difference) > 0) || !(deviation >= 0)) {
    return std::nullopt;
  }
  const double root = (kTwoSided5Percent + kPower80Percent) * deviation / difference;
  return rounded_up(root * root);
}

}  // namespace nibble::eval::stats
