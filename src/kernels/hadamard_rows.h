/// The fast transform, written once over the vectors of an instruction set.
///
/// `Lanes` gives kLanes floats a vector: load, store, add, subtract, splat, multiply, and
/// `butterfly<stride>`: within a vector, a + b in place of a and a - b in place of b, where b is
/// `stride` lanes up from a.
///
/// Everything is in an unnamed namespace: each kernel file compiles its own copy for its own
/// instruction set. Sums have the same order in all of them, so equal bits.
///
/// Source     our own
#pragma once

#include <algorithm>

#include "kernels/hadamard.h"

namespace nibble::kernels {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

inline void plain_butterflies(const Hadamard& h, float* x) noexcept {
  for (std::size_t stride = h.run; stride < h.block; stride *= 2) {
    for (std::size_t i = 0; i < h.n; ++i) {
      if ((i & stride) == 0) {
        const float a = x[i];
        const float b = x[i + stride];
        x[i] = a + b;
        x[i + stride] = a - b;
      }
    }
  }
}

/// x[k] for k = 0, block, 2 block …: times B, times scale.
inline void plain_mix(const Hadamard& h, float* x) noexcept {
  float column[kMostHadamardBase];
  for (std::size_t k = 0; k < h.base; ++k) {
    column[k] = x[k * h.block];
  }
  for (std::size_t r = 0; r < h.base; ++r) {
    float sum = 0.0F;
    for (std::size_t k = 0; k < h.base; ++k) {
      sum += h.base == 1 ? column[k] : h.signs[r * h.base + k] * column[k];
    }
    x[r * h.block] = sum * h.scale;
  }
}

inline void plain_transform(const Hadamard& h, float* x) noexcept {
  plain_butterflies(h, x);
  for (std::size_t j = 0; j < h.block; ++j) {
    plain_mix(h, x + j);
  }
}

/// The strides that lie within a vector.
template <class Lanes, std::size_t kStride = 1>
auto inner(typename Lanes::Vector v) noexcept {
  if constexpr (kStride < Lanes::kLanes) {
    return inner<Lanes, kStride * 2>(Lanes::template butterfly<kStride>(v));
  } else {
    return v;
  }
}

template <class Lanes>
void mix(const Hadamard& h, float* x) noexcept {
  typename Lanes::Vector column[kMostHadamardBase];
  const auto scale = Lanes::splat(h.scale);
  for (std::size_t k = 0; k < h.base; ++k) {
    column[k] = Lanes::load(x + k * h.block);
  }
  if (h.base == 1) {
    Lanes::store(x, Lanes::multiply(column[0], scale));
    return;
  }
  for (std::size_t r = 0; r < h.base; ++r) {
    const float* signs = &h.signs[r * h.base];
    auto sum = Lanes::splat(0.0F);
    for (std::size_t k = 0; k < h.base; ++k) {
      sum = Lanes::add(sum, Lanes::multiply(Lanes::splat(signs[k]), column[k]));
    }
    Lanes::store(x + r * h.block, Lanes::multiply(sum, scale));
  }
}

template <class Lanes>
void transform(const Hadamard& h, float* x) noexcept {
  constexpr std::size_t kLanes = Lanes::kLanes;
  if (h.block < kLanes || (h.run > 1 && h.run < kLanes)) {
    plain_transform(h, x);
    return;
  }
  for (std::size_t i = 0; i < h.n && h.run == 1; i += kLanes) {
    Lanes::store(x + i, inner<Lanes>(Lanes::load(x + i)));
  }
  for (std::size_t stride = std::max(kLanes, h.run); stride < h.block; stride *= 2) {
    for (std::size_t first = 0; first < h.n; first += 2 * stride) {
      for (std::size_t i = first; i < first + stride; i += kLanes) {
        const auto a = Lanes::load(x + i);
        const auto b = Lanes::load(x + i + stride);
        Lanes::store(x + i, Lanes::add(a, b));
        Lanes::store(x + i + stride, Lanes::subtract(a, b));
      }
    }
  }
  for (std::size_t j = 0; j < h.block; j += kLanes) {
    mix<Lanes>(h, x + j);
  }
}

}  // namespace
}  // namespace nibble::kernels
