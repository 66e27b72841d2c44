#include "kernels/hadamard.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace nibble::kernels {
namespace {

bool is_prime(std::size_t q) {
  for (std::size_t d = 2; d * d <= q; ++d) {
    if (q % d == 0) {
      return false;
    }
  }
  return q >= 2;
}

/// 1 for the squares of a prime field, -1 for what is none, 0 for 0.
std::vector<float> residues(std::size_t q) {
  std::vector<float> out(q, -1.0F);
  for (std::size_t i = 1; i < q; ++i) {
    out[i * i % q] = 1.0F;
  }
  out[0] = 0.0F;
  return out;
}

std::vector<float> paley_one(std::size_t q) {
  const std::vector<float> c = residues(q);
  const std::size_t order = q + 1;
  std::vector<float> out(order * order, 1.0F);
  for (std::size_t j = 1; j < order; ++j) {
    out[j] = -1.0F;
  }
  for (std::size_t i = 0; i < q; ++i) {
    for (std::size_t j = 0; j < q; ++j) {
      out[(i + 1) * order + j + 1] = i == j ? 1.0F : c[(i + q - j) % q];
    }
  }
  return out;
}

std::vector<float> paley_two(std::size_t q) {
  const std::vector<float> c = residues(q);
  const std::size_t half = q + 1;
  const std::size_t order = 2 * half;
  std::vector<float> out(order * order);
  for (std::size_t i = 0; i < half; ++i) {
    for (std::size_t j = 0; j < half; ++j) {
      const bool is_edge = i == 0 || j == 0;
      const float s = is_edge ? (i == j ? 0.0F : 1.0F) : c[(i + q - j) % q];
      const float one = i == j ? 1.0F : 0.0F;
      out[i * order + j] = s + one;
      out[i * order + half + j] = out[(half + i) * order + j] = s - one;
      out[(half + i) * order + half + j] = -s - one;
    }
  }
  return out;
}

/// The signs of a Hadamard matrix of this order; empty when neither construction gives it.
std::vector<float> paley(std::size_t order) {
  if (order % 4 != 0) {
    return {};
  }
  if ((order - 1) % 4 == 3 && is_prime(order - 1)) {
    return paley_one(order - 1);
  }
  const std::size_t q = order / 2 - 1;
  return q % 4 == 1 && is_prime(q) ? paley_two(q) : std::vector<float>();
}

float orthogonal_scale(std::size_t n) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(n)));
}

/// The largest power of two that divides n.
std::size_t power_of_two_in(std::size_t n) {
  return std::size_t{1} << std::countr_zero(n);
}

Hadamard of(std::size_t n, std::size_t base, std::vector<float> signs) {
  return {.n = n,
          .base = base,
          .block = n / base,
          .signs = std::move(signs),
          .scale = orthogonal_scale(n)};
}

}  // namespace

std::optional<Hadamard> exact_hadamard(std::size_t n) {
  if (std::has_single_bit(n)) {
    return of(n, 1, {});
  }
  for (std::size_t base = n >> std::countr_zero(n); n % base == 0 && base <= kMostHadamardBase;
       base *= 2) {
    if (auto signs = paley(base); !signs.empty()) {
      return of(n, base, std::move(signs));
    }
  }
  return std::nullopt;
}

Hadamard hadamard_for(std::size_t n) {
  auto exact = exact_hadamard(n);
  return exact ? std::move(*exact) : of(power_of_two_in(n), 1, {});
}

Hadamard hadamard_across(std::size_t n, std::size_t width) {
  Hadamard out = hadamard_for(n);
  out.run = std::min(out.block, power_of_two_in(width));
  out.scale = orthogonal_scale(out.n / out.run);
  return out;
}

}  // namespace nibble::kernels
