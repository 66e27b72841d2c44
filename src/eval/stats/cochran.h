/// Whether right answers are equally frequent under several conditions that the same questions were
/// asked under.
///
///   Q = (k - 1) (k sum_j G_j^2 - (sum_j G_j)^2) / (k sum_i L_i - sum_i L_i^2)
///
/// G_j: right under condition j; L_i: right of question i; chi-squared with k - 1 degrees.
///
/// Shapes     scores [questions, n_conditions], contiguous, 0 or 1
/// Precision  NaN where no question changes, or for fewer than two conditions
/// Errors     kInvalidArgument: scores that do not fill their rows, or are neither 0 nor 1
/// Source     Cochran 1950
#pragma once

#include <cstddef>
#include <span>

namespace nibble::eval::stats {

struct CochranTest {
  double q;
  double p_value;
};

CochranTest cochran_q(std::span<const double> scores, std::size_t n_conditions);

}  // namespace nibble::eval::stats
