#include "kernels/reference/linear.h"

namespace nibble::kernels::reference {

void linear(MatrixView<const float> w, MatrixView<const float> x, MatrixView<float> y) noexcept {
  for (std::size_t t = 0; t < x.rows; ++t) {
    for (std::size_t r = 0; r < w.rows; ++r) {
      double sum = 0.0;
      for (std::size_t c = 0; c < w.cols; ++c) {
        sum += double{w(r, c)} * double{x(t, c)};
      }
      y(t, r) = static_cast<float>(sum);
    }
  }
}

}  // namespace nibble::kernels::reference
