/// Arithmetic on sizes that come from files: a result that does not fit is `nullopt`, never a
/// wrapped number.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace nibble {

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) noexcept {
  T out{};
  if (__builtin_add_overflow(a, b, &out)) {
    return std::nullopt;
  }
  return out;
}

template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_mul(T a, T b) noexcept {
  T out{};
  if (__builtin_mul_overflow(a, b, &out)) {
    return std::nullopt;
  }
  return out;
}

/// Product of all dimensions; 1 for none.
[[nodiscard]] constexpr std::optional<std::size_t> checked_product(
    std::span<const std::size_t> dims) noexcept {
  std::size_t product = 1;
  for (const std::size_t dim : dims) {
    const auto next = checked_mul(product, dim);
    if (!next) {
      return std::nullopt;
    }
    product = *next;
  }
  return product;
}

[[nodiscard]] constexpr std::size_t ceil_div(std::size_t a, std::size_t b) noexcept {
  return a / b + (a % b != 0 ? 1 : 0);
}

[[nodiscard]] constexpr std::size_t round_up(std::size_t a, std::size_t multiple) noexcept {
  return ceil_div(a, multiple) * multiple;
}

}  // namespace nibble
