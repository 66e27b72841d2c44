/// Products of dense matrices of float or double over OpenBLAS, with either operand transposed.
///
///   c = a b + beta c
///
/// Shapes     a [m, k] and b [k, n] as they enter the product; c [m, n]
/// Layout     row-major with any stride
/// Precision  that of the operands
/// Threads    `product` stays in the caller and may be called from tasks; with a pool, fixed tiles
///            of c are its tasks: equal results for any number of threads
/// Source     OpenBLAS (BLAS level 3)
#pragma once

#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

template <class T>
struct Operand {
  MatrixView<const T> stored;
  bool is_transposed = false;

  [[nodiscard]] std::size_t rows() const { return is_transposed ? stored.cols : stored.rows; }
  [[nodiscard]] std::size_t cols() const { return is_transposed ? stored.rows : stored.cols; }
  [[nodiscard]] Operand rows_from(std::size_t first, std::size_t n) const {
    return {is_transposed ? stored.cols_from(first, n) : stored.rows_from(first, n), is_transposed};
  }
  [[nodiscard]] Operand cols_from(std::size_t first, std::size_t n) const {
    return {is_transposed ? stored.rows_from(first, n) : stored.cols_from(first, n), is_transposed};
  }
};

template <class T>
Operand<T> plain(MatrixView<T> m) {
  return {m, false};
}
template <class T>
Operand<T> plain(MatrixView<const T> m) {
  return {m, false};
}
template <class T>
Operand<T> transposed(MatrixView<T> m) {
  return {m, true};
}
template <class T>
Operand<T> transposed(MatrixView<const T> m) {
  return {m, true};
}

template <class T>
void product(const Operand<T>& a, const Operand<T>& b, T beta, MatrixView<T> c);

template <class T>
void product(const Operand<T>& a, const Operand<T>& b, T beta, MatrixView<T> c, ThreadPool& pool);

}  // namespace nibble::quant
