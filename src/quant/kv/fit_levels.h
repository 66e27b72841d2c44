/// The levels that code numbers in [-1, 1] with the least weighted square error.
///
///   minimise sum_i w_i (x_i - nearest level)^2 over 2^bits levels
///
/// Numbers are counted in narrow bins, over which the optimum is exact (dynamic programming over
/// intervals of bins) and the same in every run; KVQuant's k-means finds a local one from a seed.
///
/// Precision  float64; a level is the mean of its numbers, whatever the bins
/// Threads    reentrant for distinct objects
/// Errors     none: without numbers the levels are even; where there are fewer bins with numbers
///            than levels, some levels are equal
/// Source     Hooper et al. 2024, arXiv 2401.18079 (the objective); the monotone search: Gronlund
///            et al. 2017, arXiv 1701.07204
#pragma once

#include <cstddef>
#include <vector>

namespace nibble::quant {

class LevelFit {
 public:
  LevelFit();

  /// Numbers outside [-1, 1] count at its ends.
  void add(double x, double weight) noexcept;
  /// Ascending.
  [[nodiscard]] std::vector<float> levels(std::size_t bits) const;

 private:
  std::vector<double> weight_, sum_, square_;  ///< [bins]
};

}  // namespace nibble::quant
