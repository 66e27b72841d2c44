#include "eval/metric.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace nibble::eval {
namespace {

/// In the order of Transform.
constexpr std::array<std::string_view, 3> kTransformNames = {"identity", "exp", "per_ln2"};

}  // namespace

double apply(Transform transform, double ratio) noexcept {
  switch (transform) {
    case Transform::kIdentity:
      return ratio;
    case Transform::kExp:
      return std::exp(ratio);
    case Transform::kPerLn2:
      return ratio / std::numbers::ln2;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

std::string_view transform_name(Transform transform) noexcept {
  return kTransformNames[static_cast<std::size_t>(transform)];
}

std::optional<Transform> transform_from_name(std::string_view name) noexcept {
  const auto* found = std::ranges::find(kTransformNames, name);
  return found != kTransformNames.end()
             ? std::optional(static_cast<Transform>(found - kTransformNames.begin()))
             : std::nullopt;
}

bool is_right_or_wrong(const Contribution& sample) noexcept {
  return sample.weight == 1 && (sample.sum == 0 || sample.sum == 1);
}

double metric_value(std::span<const Contribution> contributions, Transform transform) noexcept {
  Contribution total{0, 0};
  for (const Contribution& one : contributions) {
    total.sum += one.sum;
    total.weight += one.weight;
  }
  return total.weight == 0 ? std::numeric_limits<double>::quiet_NaN()
                           : apply(transform, total.sum / total.weight);
}

}  // namespace nibble::eval
