#include "eval/metrics/pass_at_k.h"

#include "base/error.h"

namespace nibble::eval {

double pass_at_k(std::size_t n, std::size_t n_right, std::size_t k) {
  if (k < 1 || k > n || n_right > n) {
    raise(ErrorCode::kInvalidArgument,
          "pass@{} of {} samples, {} right; wanted 1 <= k <= samples",
          k,
          n,
          n_right);
  }
  if (n - n_right < k) {
    return 1;
  }
  double none = 1;
  for (std::size_t i = n - n_right + 1; i <= n; ++i) {
    none *= 1 - static_cast<double>(k) / static_cast<double>(i);
  }
  return 1 - none;
}

}  // namespace nibble::eval
