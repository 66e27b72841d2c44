#include "quant/gradient/elementwise.h"

#include <cmath>

#include "base/check.h"
#include "base/checked_math.h"
#include "quant/gradient/exponential.h"
#include "quant/solve/parallel_for.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kRowsPerTask = 16;

template <class T>
struct Activated {
  T value, slope;
};

template <class T>
Activated<T> silu(T x) noexcept {
  const T s = T{1} / (T{1} + exponential(-x));
  return {x * s, s * (T{1} + x * (T{1} - s))};
}

template <class T>
Activated<T> gelu(T x) noexcept {
  constexpr T kRoot = T(0.79788456080286535588);  // sqrt(2 / pi)
  constexpr T kCube = T(0.044715);
  const T u = kRoot * (x + kCube * x * x * x);
  const T t = T{1} - T{2} / (T{1} + exponential(T{2} * u));
  const T slope = kRoot * (T{1} + T{3} * kCube * x * x);
  return {T(0.5) * x * (T{1} + t), T(0.5) * (T{1} + t) + T(0.5) * x * (T{1} - t * t) * slope};
}

/// Calls f(activate) with the function of one element.
template <class T, class F>
void with_activation(ops::GateActivation activation, const F& f) {
  if (activation == ops::GateActivation::kSilu) {
    f([](T x) noexcept { return silu(x); });
  } else {
    f([](T x) noexcept { return gelu(x); });
  }
}

template <class T>
T inverse_norm(const T* x, std::size_t n, T epsilon) noexcept {
  T sum{0};
  for (std::size_t i = 0; i < n; ++i) {
    sum += x[i] * x[i];
  }
  return T{1} / std::sqrt(sum / static_cast<T>(n) + epsilon);
}

}  // namespace

template <class T>
void norm_forward(
    MatrixView<const T> x, std::span<const T> g, T epsilon, MatrixView<T> y, ThreadPool& pool) {
  NIBBLE_CHECK(g.size() == x.cols && y.rows == x.rows && y.cols == x.cols, "norm: shapes");
  parallel_for(pool, x.rows, kRowsPerTask, [&](std::size_t row) {
    const T* in = x.row(row);
    T* out = y.row(row);
    const T r = inverse_norm(in, x.cols, epsilon);
    for (std::size_t i = 0; i < x.cols; ++i) {
      out[i] = in[i] * r * g[i];
    }
  });
}

template <class T>
void norm_backward(
    MatrixView<const T> x, std::span<const T> g, T epsilon, MatrixView<T> dy, ThreadPool& pool) {
  NIBBLE_CHECK(g.size() == x.cols && dy.rows == x.rows && dy.cols == x.cols, "norm: shapes");
  parallel_for(pool, x.rows, kRowsPerTask, [&](std::size_t row) {
    const T* in = x.row(row);
    T* d = dy.row(row);
    const T r = inverse_norm(in, x.cols, epsilon);
    T dot{0};
    for (std::size_t i = 0; i < x.cols; ++i) {
      d[i] *= g[i];
      dot += d[i] * in[i];
    }
    const T along = r * r * dot / static_cast<T>(x.cols);
    for (std::size_t i = 0; i < x.cols; ++i) {
      d[i] = r * (d[i] - in[i] * along);
    }
  });
}

template <class T>
void gate_forward(ops::GateActivation activation,
                  MatrixView<const T> a,
                  MatrixView<const T> u,
                  MatrixView<T> y,
                  ThreadPool& pool) {
  with_activation<T>(activation, [&](const auto& activate) {
    parallel_for(pool, a.rows, kRowsPerTask, [&](std::size_t row) {
      const T* gate = a.row(row);
      const T* up = u.row(row);
      T* out = y.row(row);
      for (std::size_t i = 0; i < a.cols; ++i) {
        out[i] = activate(gate[i]).value * up[i];
      }
    });
  });
}

template <class T>
void gate_backward(ops::GateActivation activation,
                   MatrixView<const T> dy,
                   MatrixView<T> a,
                   MatrixView<T> u,
                   ThreadPool& pool) {
  with_activation<T>(activation, [&](const auto& activate) {
    parallel_for(pool, a.rows, kRowsPerTask, [&](std::size_t row) {
      const T* d = dy.row(row);
      T* gate = a.row(row);
      T* up = u.row(row);
      for (std::size_t i = 0; i < a.cols; ++i) {
        const auto f = activate(gate[i]);
        gate[i] = f.slope * up[i] * d[i];
        up[i] = f.value * d[i];
      }
    });
  });
}

template <class T>
RopeTable<T>::RopeTable(std::span<const float> inverse_frequency, std::size_t window_)
    : half(inverse_frequency.size()), window(window_), cosine(window * half), sine(window * half) {
  for (std::size_t t = 0; t < window; ++t) {
    for (std::size_t i = 0; i < half; ++i) {
      const T angle{static_cast<float>(t) * inverse_frequency[i]};
      cosine[t * half + i] = std::cos(angle);
      sine[t * half + i] = std::sin(angle);
    }
  }
}

template <class T>
void rope(const RopeTable<T>& table, Turn turn, MatrixView<T> x, ThreadPool& pool) {
  const std::size_t half = table.half;
  NIBBLE_CHECK(half > 0 && x.cols % (2 * half) == 0, "rope: whole heads");
  const T sign = turn == Turn::kForward ? T{1} : T{-1};
  parallel_for(pool, x.rows, kRowsPerTask, [&](std::size_t row) {
    const T* cosine = &table.cosine[row % table.window * half];
    const T* sine = &table.sine[row % table.window * half];
    for (std::size_t first = 0; first < x.cols; first += 2 * half) {
      T* low = x.row(row) + first;
      T* high = low + half;
      for (std::size_t i = 0; i < half; ++i) {
        const T a = low[i];
        const T b = high[i];
        low[i] = a * cosine[i] - b * sign * sine[i];
        high[i] = b * cosine[i] + a * sign * sine[i];
      }
    }
  });
}

template void norm_forward(
    MatrixView<const float>, std::span<const float>, float, MatrixView<float>, ThreadPool&);
template void norm_backward(
    MatrixView<const float>, std::span<const float>, float, MatrixView<float>, ThreadPool&);
template void gate_forward(ops::GateActivation,
                           MatrixView<const float>,
                           MatrixView<const float>,
                           MatrixView<float>,
                           ThreadPool&);
template void gate_backward(ops::GateActivation,
                            MatrixView<const float>,
                            MatrixView<float>,
                            MatrixView<float>,
                            ThreadPool&);
template struct RopeTable<float>;
template void rope(const RopeTable<float>&, Turn, MatrixView<float>, ThreadPool&);
template void norm_forward(
    MatrixView<const double>, std::span<const double>, double, MatrixView<double>, ThreadPool&);
template void norm_backward(
    MatrixView<const double>, std::span<const double>, double, MatrixView<double>, ThreadPool&);
template void gate_forward(ops::GateActivation,
                           MatrixView<const double>,
                           MatrixView<const double>,
                           MatrixView<double>,
                           ThreadPool&);
template void gate_backward(ops::GateActivation,
                            MatrixView<const double>,
                            MatrixView<double>,
                            MatrixView<double>,
                            ThreadPool&);
template struct RopeTable<double>;
template void rope(const RopeTable<double>&, Turn, MatrixView<double>, ThreadPool&);

}  // namespace nibble::quant
