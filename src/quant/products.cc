#include "quant/products.h"

#include <algorithm>
#include <type_traits>

#include "base/check.h"
#include "base/checked_math.h"
#include "quant/blas.h"

namespace nibble::quant {
namespace {

/// Long enough that packing the operands costs little, short enough to spread over threads.
constexpr std::size_t kTile = 320;
constexpr std::size_t kAlign = 16;

/// One dimension cut into parts of about equal size.
struct Cut {
  explicit Cut(std::size_t n_) : n(n_) {
    const std::size_t wanted = std::max<std::size_t>(1, (n + kTile / 2) / kTile);
    size = std::max(kAlign, ceil_div(ceil_div(n, wanted), kAlign) * kAlign);
    n_parts = ceil_div(n, size);
  }
  [[nodiscard]] std::size_t begin(std::size_t part) const { return part * size; }
  [[nodiscard]] std::size_t length(std::size_t part) const {
    return std::min(size, n - part * size);
  }

  std::size_t n, size, n_parts;
};

CBLAS_TRANSPOSE flag(bool is_transposed) {
  return is_transposed ? CblasTrans : CblasNoTrans;
}

}  // namespace

template <class T>
void product(const Operand<T>& a, const Operand<T>& b, T beta, MatrixView<T> c) {
  NIBBLE_CHECK(a.rows() == c.rows && a.cols() == b.rows() && b.cols() == c.cols, "product: shapes");
  if (c.rows == 0 || c.cols == 0) {
    return;
  }
  const BlasCall slot;
  const auto gemm = [&] {
    if constexpr (std::is_same_v<T, float>) {
      return blas().sgemm;
    } else {
      return blas().dgemm;
    }
  }();
  gemm(CblasRowMajor,
       flag(a.is_transposed),
       flag(b.is_transposed),
       blas_int(c.rows),
       blas_int(c.cols),
       blas_int(a.cols()),
       T{1},
       a.stored.data,
       blas_int(std::max<std::size_t>(1, a.stored.stride)),
       b.stored.data,
       blas_int(std::max<std::size_t>(1, b.stored.stride)),
       beta,
       c.data,
       blas_int(c.stride));
}

template <class T>
void product(const Operand<T>& a, const Operand<T>& b, T beta, MatrixView<T> c, ThreadPool& pool) {
  const Cut rows(c.rows);
  const Cut cols(c.cols);
  pool.run(rows.n_parts * cols.n_parts, [&](std::size_t task, std::size_t /*worker*/) {
    const std::size_t r = rows.begin(task / cols.n_parts);
    const std::size_t n_rows = rows.length(task / cols.n_parts);
    const std::size_t k = cols.begin(task % cols.n_parts);
    const std::size_t n_cols = cols.length(task % cols.n_parts);
    product(a.rows_from(r, n_rows),
            b.cols_from(k, n_cols),
            beta,
            c.rows_from(r, n_rows).cols_from(k, n_cols));
  });
}

template void product(const Operand<float>&, const Operand<float>&, float, MatrixView<float>);
template void product(const Operand<double>&, const Operand<double>&, double, MatrixView<double>);
template void product(
    const Operand<float>&, const Operand<float>&, float, MatrixView<float>, ThreadPool&);
template void product(
    const Operand<double>&, const Operand<double>&, double, MatrixView<double>, ThreadPool&);

}  // namespace nibble::quant
