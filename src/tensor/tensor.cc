#include "tensor/tensor.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

#include "base/checked_math.h"
#include "tensor/half.h"

namespace nibble {

std::string shape_text(std::span<const std::size_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::shared_ptr<std::byte[]> allocate_aligned(std::size_t n_bytes) {
  constexpr std::size_t kAlignment = 64;
  const std::size_t padded = std::max(kAlignment, round_up(n_bytes, kAlignment));
  void* memory = padded < n_bytes ? nullptr : std::aligned_alloc(kAlignment, padded);
  if (memory == nullptr) {
    raise(ErrorCode::kOutOfMemory, "cannot allocate {} MiB", n_bytes >> 20);
  }
  std::memset(memory, 0, padded);
  return {static_cast<std::byte*>(memory), [](std::byte* p) { std::free(p); }};
}

Tensor Tensor::make(DType dtype, Shape shape) {
  const auto n = checked_product(shape);
  const auto n_bytes = n ? checked_mul(*n, dtype_bytes(dtype)) : std::nullopt;
  if (!n_bytes) {
    raise(ErrorCode::kOutOfMemory, "tensor {} has too many elements", shape_text(shape));
  }
  auto memory = allocate_aligned(*n_bytes);
  Tensor out;
  out.dtype_ = dtype;
  out.shape_ = std::move(shape);
  out.bytes_ = {memory.get(), *n_bytes};
  out.owner_ = std::move(memory);
  out.writable_ = true;
  return out;
}

Tensor Tensor::borrow(DType dtype,
                      Shape shape,
                      std::span<const std::byte> data,
                      std::shared_ptr<const void> owner) {
  const auto n = checked_product(shape);
  NIBBLE_CHECK(n && checked_mul(*n, dtype_bytes(dtype)) == data.size(),
               "Tensor::borrow: shape and bytes differ");
  Tensor out;
  out.dtype_ = dtype;
  out.shape_ = std::move(shape);
  out.bytes_ = data;
  out.owner_ = std::move(owner);
  return out;
}

Tensor Tensor::reshaped(Shape shape) const {
  NIBBLE_CHECK(checked_product(shape) == size(), "Tensor::reshaped: another number of elements");
  Tensor out = *this;
  out.shape_ = std::move(shape);
  return out;
}

std::span<std::byte> Tensor::mutable_bytes() {
  NIBBLE_CHECK(writable_, "Tensor::mutable_bytes of borrowed bytes");
  return {const_cast<std::byte*>(bytes_.data()), bytes_.size()};
}

std::vector<float> to_f32(const Tensor& tensor) {
  std::vector<float> out(tensor.size());
  switch (tensor.dtype()) {
    case DType::kF32:
      std::ranges::copy(tensor.as<float>(), out.begin());
      break;
    case DType::kF64:
      std::ranges::transform(
          tensor.as<double>(), out.begin(), [](double x) { return static_cast<float>(x); });
      break;
    case DType::kF16:
      std::ranges::transform(tensor.as<std::uint16_t>(), out.begin(), f16_to_f32);
      break;
    case DType::kBF16:
      std::ranges::transform(tensor.as<std::uint16_t>(), out.begin(), bf16_to_f32);
      break;
    default:
      raise(ErrorCode::kUnsupported,
            "expected a floating-point tensor, found {}",
            dtype_name(tensor.dtype()));
  }
  return out;
}

}  // namespace nibble
