#include "kernels/reference/dot.h"

namespace nibble::kernels::reference {

float dot(const float* x, const float* y, std::size_t n) noexcept {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    sum += double{x[i]} * double{y[i]};
  }
  return static_cast<float>(sum);
}

}  // namespace nibble::kernels::reference
