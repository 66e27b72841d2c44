#include "kernels/reference/elementwise.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nibble::kernels::reference {
namespace {

void rms_norm(
    const float* x, const float* weight, float epsilon, float* y, std::size_t n) noexcept {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    sum += double{x[i]} * double{x[i]};
  }
  const double factor = 1.0 / std::sqrt(sum / static_cast<double>(n) + double{epsilon});
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(double{x[i]} * factor * double{weight[i]});
  }
}

void layer_norm(const float* x,
                const float* weight,
                const float* bias,
                float epsilon,
                float* y,
                std::size_t n) noexcept {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    sum += double{x[i]};
  }
  const double mean = sum / static_cast<double>(n);
  double squares = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    squares += (double{x[i]} - mean) * (double{x[i]} - mean);
  }
  const double factor = 1.0 / std::sqrt(squares / static_cast<double>(n) + double{epsilon});
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>((double{x[i]} - mean) * factor * double{weight[i]} + double{bias[i]});
  }
}

void add(const float* x, float* y, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    y[i] += x[i];
  }
}

void gate_silu(float* gate, const float* up, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const double g = gate[i];
    gate[i] = static_cast<float>(g / (1.0 + std::exp(-g)) * double{up[i]});
  }
}

void gate_gelu(float* gate, const float* up, std::size_t n) noexcept {
  const double root = std::sqrt(2.0 / std::numbers::pi);
  for (std::size_t i = 0; i < n; ++i) {
    const double g = gate[i];
    const double t = std::tanh(root * (g + 0.044715 * g * g * g));
    gate[i] = static_cast<float>(0.5 * g * (1.0 + t) * double{up[i]});
  }
}

void gelu(float* x, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = static_cast<float>(0.5 * double{x[i]} * std::erfc(-double{x[i]} * std::sqrt(0.5)));
  }
}

void rotate(float* a, float* b, const float* cosine, const float* sine, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const double x = a[i];
    const double y = b[i];
    a[i] = static_cast<float>(x * double{cosine[i]} - y * double{sine[i]});
    b[i] = static_cast<float>(y * double{cosine[i]} + x * double{sine[i]});
  }
}

double log_sum_exp(const float* x, std::size_t n) noexcept {
  const double top = *std::max_element(x, x + n);
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    sum += std::exp(double{x[i]} - top);
  }
  return top + std::log(sum);
}

std::size_t argmax(const float* x, std::size_t n) noexcept {
  return static_cast<std::size_t>(std::max_element(x, x + n) - x);
}

}  // namespace

const ElementwiseKernels kElementwise = {
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .add = add,
    .gate_silu = gate_silu,
    .gate_gelu = gate_gelu,
    .gelu = gelu,
    .rotate = rotate,
    .log_sum_exp = log_sum_exp,
    .argmax = argmax,
};

}  // namespace nibble::kernels::reference
