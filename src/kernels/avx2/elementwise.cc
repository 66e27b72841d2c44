#include "kernels/avx2/elementwise.h"

#include <math.h>

#include "kernels/avx2/math.h"

namespace nibble::kernels::avx2 {
namespace {

void rms_norm(
    const float* x, const float* weight, float epsilon, float* y, std::size_t n) noexcept {
  __m256 squares = _mm256_setzero_ps();
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const __m256 value = load(x + i, count);
    squares = _mm256_fmadd_ps(value, value, squares);
  });
  const double mean = static_cast<double>(sum_lanes(squares)) / static_cast<double>(n);
  const __m256 factor =
      _mm256_set1_ps(static_cast<float>(1.0 / sqrt(mean + static_cast<double>(epsilon))));
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const __m256 scaled = _mm256_mul_ps(load(x + i, count), factor);
    store(y + i, _mm256_mul_ps(scaled, load(weight + i, count)), count);
  });
}

void layer_norm(const float* x,
                const float* weight,
                const float* bias,
                float epsilon,
                float* y,
                std::size_t n) noexcept {
  __m256 sums = _mm256_setzero_ps();
  for_lanes(
      n, [&](std::size_t i, std::size_t count) { sums = _mm256_add_ps(sums, load(x + i, count)); });
  const __m256 mean = _mm256_set1_ps(sum_lanes(sums) / static_cast<float>(n));
  __m256 squares = _mm256_setzero_ps();
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const __m256 value = _mm256_and_ps(_mm256_sub_ps(load(x + i, count), mean),
                                       _mm256_castsi256_ps(first_lanes(count)));
    squares = _mm256_fmadd_ps(value, value, squares);
  });
  const double variance = static_cast<double>(sum_lanes(squares)) / static_cast<double>(n);
  const __m256 factor =
      _mm256_set1_ps(static_cast<float>(1.0 / sqrt(variance + static_cast<double>(epsilon))));
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const __m256 scaled = _mm256_mul_ps(_mm256_sub_ps(load(x + i, count), mean), factor);
    store(y + i, _mm256_fmadd_ps(scaled, load(weight + i, count), load(bias + i, count)), count);
  });
}

void add(const float* x, float* y, std::size_t n) noexcept {
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    store(y + i, _mm256_add_ps(load(x + i, count), load(y + i, count)), count);
  });
}

void gate_silu(float* gate, const float* up, std::size_t n) noexcept {
  const __m256 one = _mm256_set1_ps(1.0F);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const __m256 g = load(gate + i, count);
    const __m256 e = exp_ps(_mm256_sub_ps(_mm256_setzero_ps(), g));
    const __m256 silu = _mm256_div_ps(g, _mm256_add_ps(one, e));
    store(gate + i, _mm256_mul_ps(silu, load(up + i, count)), count);
  });
}

void gate_gelu(float* gate, const float* up, std::size_t n) noexcept {
  // (1 + tanh(z)) / 2 = 1 / (1 + exp(-2z)): no cancellation where the result is small.
  const __m256 one = _mm256_set1_ps(1.0F);
  const __m256 linear = _mm256_set1_ps(-2.0F * 0.797884560802865F);
  const __m256 cubic = _mm256_set1_ps(-2.0F * 0.797884560802865F * 0.044715F);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const __m256 g = load(gate + i, count);
    const __m256 z = _mm256_mul_ps(g, _mm256_fmadd_ps(_mm256_mul_ps(g, g), cubic, linear));
    const __m256 gelu = _mm256_div_ps(g, _mm256_add_ps(one, exp_ps(z)));
    store(gate + i, _mm256_mul_ps(gelu, load(up + i, count)), count);
  });
}

void gelu(float* x, std::size_t n) noexcept {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const __m256 value = load(x + i, count);
    const __m256 tail = normal_tail_ps(_mm256_andnot_ps(sign, value));
    // The sign bit of the value chooses.
    const __m256 share = _mm256_blendv_ps(_mm256_sub_ps(_mm256_set1_ps(1.0F), tail), tail, value);
    store(x + i, _mm256_mul_ps(value, share), count);
  });
}

void rotate(float* a, float* b, const float* cosine, const float* sine, std::size_t n) noexcept {
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const __m256 x = load(a + i, count);
    const __m256 y = load(b + i, count);
    const __m256 c = load(cosine + i, count);
    const __m256 s = load(sine + i, count);
    store(a + i, _mm256_fmsub_ps(x, c, _mm256_mul_ps(y, s)), count);
    store(b + i, _mm256_fmadd_ps(y, c, _mm256_mul_ps(x, s)), count);
  });
}

/// Lanes from `count` on as negative infinity.
__m256 load_or_lowest(const float* x, std::size_t count) noexcept {
  const __m256 mask = _mm256_castsi256_ps(first_lanes(count));
  return _mm256_blendv_ps(_mm256_set1_ps(-HUGE_VALF), load(x, count), mask);
}

float largest(const float* x, std::size_t n) noexcept {
  __m256 top = _mm256_set1_ps(-HUGE_VALF);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    top = _mm256_max_ps(top, load_or_lowest(x + i, count));
  });
  return largest_lane(top);
}

double log_sum_exp(const float* x, std::size_t n) noexcept {
  const float top = largest(x, n);
  __m256d sums = _mm256_setzero_pd();
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const __m256 e = _mm256_and_ps(exp_ps(_mm256_sub_ps(load(x + i, count), _mm256_set1_ps(top))),
                                   _mm256_castsi256_ps(first_lanes(count)));
    sums = _mm256_add_pd(sums, _mm256_cvtps_pd(_mm256_castps256_ps128(e)));
    sums = _mm256_add_pd(sums, _mm256_cvtps_pd(_mm256_extractf128_ps(e, 1)));
  });
  alignas(32) double parts[4];
  _mm256_store_pd(parts, sums);
  return static_cast<double>(top) + log(parts[0] + parts[1] + parts[2] + parts[3]);
}

std::size_t argmax(const float* x, std::size_t n) noexcept {
  const float top = largest(x, n);
  for (std::size_t i = 0; i < n; ++i) {
    if (x[i] == top) {
      return i;
    }
  }
  return 0;  // only when no element equals the largest: all are NaN
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

}  // namespace nibble::kernels::avx2
