/// What a sample contributes to a metric, and how contributions become one number.
///
/// Every metric of nibble is a transform of a ratio of sums: value = f(sum of `sum` / sum of
/// `weight`). Accuracy has weight 1 and f = identity; perplexity sums negative log-likelihoods over
/// tokens with f = exp; bits per byte divides by ln 2. So one bootstrap and one paired test serve
/// all of them. A sample that could not be answered has no value; it is counted, never averaged as
/// zero.
///
/// Source     our own
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nibble::eval {

enum class Transform : std::uint8_t { kIdentity, kExp, kPerLn2 };
enum class Direction : std::uint8_t { kHigher, kLower };

struct MetricRow {
  std::string name;  ///< "acc", "acc_norm", "f1", "exact_match", "perplexity", "word_perplexity", …
  std::string unit;  ///< "fraction", "nats", "bits/byte", …
  Direction better = Direction::kHigher;
  Transform transform = Transform::kIdentity;
};

struct Contribution {
  double sum = 0;
  double weight = 1;
};

double apply(Transform transform, double ratio) noexcept;

/// "identity", "exp", "per_ln2": how a store spells a transform.
std::string_view transform_name(Transform transform) noexcept;
/// nullopt for a name that is none.
std::optional<Transform> transform_from_name(std::string_view name) noexcept;

/// Weight 1 and 0 or 1 as its sum.
bool is_right_or_wrong(const Contribution& sample) noexcept;

/// The metric over many samples; NaN when there are none.
double metric_value(std::span<const Contribution> contributions, Transform transform) noexcept;

/// Metric name to contribution; nullopt: unanswered; absent: the sample does not count for it.
using SampleScores = std::map<std::string, std::optional<Contribution>, std::less<>>;

}  // namespace nibble::eval
