/// Questions whose answer turned from right to wrong or back: damage that an average hides.
///
///   flips = (lost + gained) / n;  the change of accuracy is (gained - lost) / n
///   McNemar, exact and two-sided, with m = lost + gained:
///   p = min(1, 2 * sum over i <= min(lost, gained) of C(m, i) / 2^m)
///
/// Requires   variant[i] and reference[i] are the same sample
/// Errors     kInvalidArgument for spans of different lengths
/// Source     Dutta et al. 2024, arXiv 2407.09141; McNemar 1947
#pragma once

#include <cstddef>
#include <span>

namespace nibble::eval::stats {

struct Flips {
  std::size_t n = 0;
  std::size_t lost = 0;    ///< reference right, variant wrong
  std::size_t gained = 0;  ///< reference wrong, variant right
  /// NaN for no samples.
  [[nodiscard]] double fraction() const noexcept;
};

/// A score of at least 0.5 counts as right.
Flips count_flips(std::span<const double> variant, std::span<const double> reference);

double mcnemar_exact(std::size_t lost, std::size_t gained) noexcept;

}  // namespace nibble::eval::stats
