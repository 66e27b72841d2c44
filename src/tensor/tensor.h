/// A dense tensor that owns its bytes or keeps the mapped file alive that owns them.
///
/// Layout     row-major, contiguous, little-endian
/// Threads    immutable once shared
/// Errors     `make` throws kOutOfMemory (size named); `as<T>` checks the dtype, a mismatch is a
/// bug
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "tensor/dtype.h"
#include "tensor/matrix_view.h"

namespace nibble {

using Shape = std::vector<std::size_t>;

/// "[49152, 576]"
std::string shape_text(std::span<const std::size_t> shape);

/// 64-byte aligned, zero-initialised memory. Throws Error(kOutOfMemory).
std::shared_ptr<std::byte[]> allocate_aligned(std::size_t n_bytes);

class Tensor {
 public:
  Tensor() = default;

  /// Zero-initialised, 64-byte aligned.
  static Tensor make(DType dtype, Shape shape);
  /// Borrows bytes that `owner` keeps alive; `data` must hold exactly the tensor.
  static Tensor borrow(DType dtype,
                       Shape shape,
                       std::span<const std::byte> data,
                       std::shared_ptr<const void> owner);
  /// The same bytes under another shape with as many elements.
  [[nodiscard]] Tensor reshaped(Shape shape) const;
  /// Copies `values`.
  template <class T>
  static Tensor from(DType dtype, Shape shape, std::span<const T> values) {
    Tensor out = make(dtype, std::move(shape));
    NIBBLE_CHECK(values.size_bytes() == out.bytes().size(),
                 "Tensor::from: shape and values differ");
    std::memcpy(out.mutable_bytes().data(), values.data(), values.size_bytes());
    return out;
  }

  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / dtype_bytes(dtype_); }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// Only for tensors made by `make`.
  [[nodiscard]] std::span<std::byte> mutable_bytes();

  template <class T>
  [[nodiscard]] std::span<const T> as() const {
    NIBBLE_CHECK(sizeof(T) == dtype_bytes(dtype_), "Tensor::as: element size differs");
    return {reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }
  template <class T>
  [[nodiscard]] std::span<T> mutable_as() {
    NIBBLE_CHECK(sizeof(T) == dtype_bytes(dtype_), "Tensor::mutable_as: element size differs");
    const auto bytes = mutable_bytes();
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

 private:
  DType dtype_ = DType::kF32;
  Shape shape_;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  bool writable_ = false;
};

/// Widens a floating-point tensor (F64, F32, F16, BF16) to float32. Errors: kUnsupported for other
/// dtypes.
std::vector<float> to_f32(const Tensor& tensor);

}  // namespace nibble
