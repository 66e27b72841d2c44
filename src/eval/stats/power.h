/// How many samples it would take to tell two variants apart.
///
///   right or wrong  n = (z_a sqrt(f) + z_b sqrt(f - d^2))^2 / d^2    f: share of flips, d: change
///   other scores    n = ((z_a + z_b) s / d)^2                        s: of the paired differences
///
/// z_a = 1.96 (two-sided 5 %), z_b = 0.84 (80 % power).
///
/// Precision  rounded up; what is observed is taken for the truth, so this is a guide for planning
/// Errors     none; nullopt where there is no difference, or one that flips cannot make
/// Source     reference/evaluation.md 4.9; Connor 1987, Biometrics 43:207
#pragma once

#include <cstddef>
#include <optional>

namespace nibble::eval::stats {

std::optional<std::size_t> samples_needed(double flip_share, double difference) noexcept;

/// `deviation` is the standard deviation of the difference of one pair.
std::optional<std::size_t> samples_needed_for_mean(double deviation, double difference) noexcept;

}  // namespace nibble::eval::stats
