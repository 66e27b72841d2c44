/// A borrowed row-major matrix: pointer, shape, and the distance between rows.
///
/// Layout     element (r, c) at data[r * stride + c]; stride >= cols, in elements
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace nibble {

template <class T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;

  MatrixView() = default;
  MatrixView(T* data_, std::size_t rows_, std::size_t cols_) noexcept
      : MatrixView(data_, rows_, cols_, cols_) {}
  MatrixView(T* data_, std::size_t rows_, std::size_t cols_, std::size_t stride_) noexcept
      : data(data_), rows(rows_), cols(cols_), stride(stride_) {}
  /// A view for writing is also one for reading.
  template <class U>
  requires(std::is_same_v<T, const U>) MatrixView(const MatrixView<U>& other)
  noexcept  // NOLINT(google-explicit-constructor)
      : data(other.data), rows(other.rows), cols(other.cols), stride(other.stride) {}

  [[nodiscard]] T* row(std::size_t r) const noexcept { return data + r * stride; }
  [[nodiscard]] std::span<T> row_span(std::size_t r) const noexcept { return {row(r), cols}; }
  T& operator()(std::size_t r, std::size_t c) const noexcept { return data[r * stride + c]; }

  [[nodiscard]] MatrixView rows_from(std::size_t first, std::size_t n) const noexcept {
    return {data + first * stride, n, cols, stride};
  }
  [[nodiscard]] MatrixView cols_from(std::size_t first, std::size_t n) const noexcept {
    return {data + first, rows, n, stride};
  }
};

}  // namespace nibble
