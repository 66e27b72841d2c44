#include "eval/metric.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace nibble::eval {

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
