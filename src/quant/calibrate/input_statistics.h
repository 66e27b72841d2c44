/// Statistics of the inputs that the linear layers of one site share.
///
///   second_moment[i, j] = sum over tokens of x[i] x[j];  mean_square[i] = mean over tokens of
///   x[i]^2;  mean[i] = mean over tokens of x[i];  cross_moment[i, j] = sum over tokens of
///   (original[i] - x[i]) x[j]
///
/// Shapes     x, original [tokens, cols], in parts
/// Precision  sums in float64
/// Threads    `add` splits over the pool; the result does not depend on its size
/// Errors     require_finite: kUnsupported names the weight and the input
/// Source     our own
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "quant/solver.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

class InputStatistics {
 public:
  InputStatistics(const Needs& needs, std::size_t cols);

  void add(MatrixView<const float> x, ThreadPool& pool);
  /// For the cross moment: what the original model has in the place of the x just added.
  void add_original(MatrixView<const float> original, MatrixView<const float> x, ThreadPool& pool);
  /// After the last `add`.
  void finish();

  /// Refuses sums that overflowed on the way to `weight`.
  void require_finite(std::string_view weight) const;
  /// [cols]; empty when not wanted.
  [[nodiscard]] std::span<const double> mean() const noexcept { return mean_; }
  /// What a solver gets; borrowed from here.
  [[nodiscard]] SolveInput solve_input(MatrixView<const float> weight) const;

 private:
  [[nodiscard]] MatrixView<double> moment() { return {moment_.data(), side_, side_}; }

  std::size_t side_ = 0;  ///< of the second moment; 0 when it is not wanted
  std::vector<double> moment_;
  std::vector<double> cross_;        ///< empty when not wanted
  std::vector<double> square_sums_;  ///< empty when not wanted
  std::vector<float> mean_square_;
  std::vector<double> mean_;  ///< sums until `finish`; empty when not wanted
  std::size_t n_tokens_ = 0;
};

}  // namespace nibble::quant
