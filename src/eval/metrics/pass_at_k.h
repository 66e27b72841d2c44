/// The chance that at least one of k samples is right, without bias, from n samples of which c are.
///
///   pass@k = 1 - C(n - c, k) / C(n, k) = 1 - product over i in (n - c, n] of (1 - k / i)
///
/// Requires   1 <= k <= n, c <= n
/// Errors     kInvalidArgument otherwise
/// Source     Chen et al. 2021, arXiv 2107.03374, equation 1
#pragma once

#include <cstddef>

namespace nibble::eval {

double pass_at_k(std::size_t n, std::size_t n_right, std::size_t k);

}  // namespace nibble::eval
