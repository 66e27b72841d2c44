#include "kernels/reference/hadamard.h"

#include <cmath>

namespace nibble::kernels::reference {
namespace {

/// By B, or its transpose.
void multiply(const Hadamard& h, bool transposed, double* x) {
  for (std::size_t stride = h.run; stride < h.block; stride *= 2) {
    for (std::size_t i = 0; i < h.n; ++i) {
      if ((i & stride) == 0) {
        const double a = x[i];
        const double b = x[i + stride];
        x[i] = a + b;
        x[i + stride] = a - b;
      }
    }
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(h.n / h.run));
  std::vector<double> column(h.base);
  for (std::size_t j = 0; j < h.block; ++j) {
    for (std::size_t k = 0; k < h.base; ++k) {
      column[k] = x[k * h.block + j];
    }
    for (std::size_t r = 0; r < h.base; ++r) {
      double sum = h.base == 1 ? column[0] : 0.0;
      for (std::size_t k = 0; k < h.base && h.base > 1; ++k) {
        sum += double{h.signs[transposed ? k * h.base + r : r * h.base + k]} * column[k];
      }
      x[r * h.block + j] = sum * scale;
    }
  }
}

void transform(const Hadamard& h, float* x) noexcept {
  std::vector<double> wide(x, x + h.n);
  hadamard(h, wide.data());
  for (std::size_t i = 0; i < h.n; ++i) {
    x[i] = static_cast<float>(wide[i]);
  }
}

}  // namespace

void hadamard(const Hadamard& h, double* x) {
  multiply(h, false, x);
}

void inverse_hadamard(const Hadamard& h, double* x) {
  multiply(h, true, x);
}

const HadamardKernels kHadamard = {.transform = transform};

}  // namespace nibble::kernels::reference
