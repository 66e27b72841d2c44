#include "ops/hadamard.h"

#include "base/error.h"
#include "kernels/select.h"

namespace nibble::ops {

void hadamard_in_place(const Hadamard& h, MatrixView<float> x, ThreadPool& pool) {
  if (x.cols % h.n != 0) {
    raise(ErrorCode::kShapeMismatch, "hadamard of {}: x has {} columns", h.n, x.cols);
  }
  const auto transform = kernels::kernels().hadamard->transform;
  pool.run(x.rows, [&](std::size_t row, std::size_t /*worker*/) {
    for (std::size_t first = 0; first < x.cols; first += h.n) {
      transform(h, x.row(row) + first);
    }
  });
}

}  // namespace nibble::ops
