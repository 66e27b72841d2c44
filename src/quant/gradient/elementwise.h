/// The row operations of a decoder block, forwards and backwards, in float or double.
///
///   norm     y = r g x,  r = (mean(x^2) + epsilon)^(-1/2);
///            dx = r g dy - x r^3 mean(x g dy)
///   gate     y = f(a) u, f = silu or gelu (tanh);   da = f'(a) u dy,  du = f(a) dy
///   rope     pairs (i, i + d/2) of each head turned by position * frequency[i]; backwards by its
///            negative
///
/// Shapes     all matrices alike, row by row; g [cols]; tables [window, head_dim / 2]
/// Precision  that of T, sums over a row included; float's exponential is within 2e-7
/// Threads    split over rows; equal results for any number of threads
/// Source     our own
#pragma once

#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "ops/elementwise.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

template <class T>
void norm_forward(
    MatrixView<const T> x, std::span<const T> g, T epsilon, MatrixView<T> y, ThreadPool& pool);

/// Replaces dy by dx.
template <class T>
void norm_backward(
    MatrixView<const T> x, std::span<const T> g, T epsilon, MatrixView<T> dy, ThreadPool& pool);

template <class T>
void gate_forward(ops::GateActivation activation,
                  MatrixView<const T> a,
                  MatrixView<const T> u,
                  MatrixView<T> y,
                  ThreadPool& pool);

/// Replaces a by da and u by du.
template <class T>
void gate_backward(ops::GateActivation activation,
                   MatrixView<const T> dy,
                   MatrixView<T> a,
                   MatrixView<T> u,
                   ThreadPool& pool);

/// Cosines and sines for the positions of a window.
template <class T>
struct RopeTable {
  RopeTable(std::span<const float> inverse_frequency, std::size_t window);

  std::size_t half, window;
  std::vector<T> cosine, sine;
};

enum class Turn : std::uint8_t { kForward, kBackward };

/// Row t is at position t % window.
template <class T>
void rope(const RopeTable<T>& table, Turn turn, MatrixView<T> x, ThreadPool& pool);

}  // namespace nibble::quant
