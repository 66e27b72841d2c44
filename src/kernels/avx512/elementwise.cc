#include "kernels/avx512/elementwise.h"

#include <math.h>

#include "kernels/avx512/math.h"

namespace nibble::kernels::avx512 {
namespace {

/// Calls f(offset, mask) for 16 elements at a time.
template <class F>
void for_lanes(std::size_t n, const F& f) noexcept {
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    f(i, static_cast<__mmask16>(0xFFFF));
  }
  if (i < n) {
    f(i, first_lanes(n - i));
  }
}

void rms_norm(
    const float* x, const float* weight, float epsilon, float* y, std::size_t n) noexcept {
  __m512 squares = _mm512_setzero_ps();
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 value = _mm512_maskz_loadu_ps(mask, x + i);
    squares = _mm512_fmadd_ps(value, value, squares);
  });
  const double mean = static_cast<double>(_mm512_reduce_add_ps(squares)) / static_cast<double>(n);
  const __m512 factor =
      _mm512_set1_ps(static_cast<float>(1.0 / sqrt(mean + static_cast<double>(epsilon))));
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), factor);
    _mm512_mask_storeu_ps(
        y + i, mask, _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(mask, weight + i)));
  });
}

void layer_norm(const float* x,
                const float* weight,
                const float* bias,
                float epsilon,
                float* y,
                std::size_t n) noexcept {
  __m512 sums = _mm512_setzero_ps();
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    sums = _mm512_add_ps(sums, _mm512_maskz_loadu_ps(mask, x + i));
  });
  const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(sums) / static_cast<float>(n));
  __m512 squares = _mm512_setzero_ps();
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 value = _mm512_maskz_sub_ps(mask, _mm512_maskz_loadu_ps(mask, x + i), mean);
    squares = _mm512_fmadd_ps(value, value, squares);
  });
  const double variance =
      static_cast<double>(_mm512_reduce_add_ps(squares)) / static_cast<double>(n);
  const __m512 factor =
      _mm512_set1_ps(static_cast<float>(1.0 / sqrt(variance + static_cast<double>(epsilon))));
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 scaled =
        _mm512_mul_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), mean), factor);
    _mm512_mask_storeu_ps(y + i,
                          mask,
                          _mm512_fmadd_ps(scaled,
                                          _mm512_maskz_loadu_ps(mask, weight + i),
                                          _mm512_maskz_loadu_ps(mask, bias + i)));
  });
}

void add(const float* x, float* y, std::size_t n) noexcept {
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 sum =
        _mm512_add_ps(_mm512_maskz_loadu_ps(mask, x + i), _mm512_maskz_loadu_ps(mask, y + i));
    _mm512_mask_storeu_ps(y + i, mask, sum);
  });
}

void gate_silu(float* gate, const float* up, std::size_t n) noexcept {
  const __m512 one = _mm512_set1_ps(1.0F);
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 g = _mm512_maskz_loadu_ps(mask, gate + i);
    const __m512 e = exp_ps(_mm512_sub_ps(_mm512_setzero_ps(), g));
    const __m512 silu = _mm512_div_ps(g, _mm512_add_ps(one, e));
    _mm512_mask_storeu_ps(gate + i, mask, _mm512_mul_ps(silu, _mm512_maskz_loadu_ps(mask, up + i)));
  });
}

void gate_gelu(float* gate, const float* up, std::size_t n) noexcept {
  // (1 + tanh(z)) / 2 = 1 / (1 + exp(-2z)): no cancellation where the result is small.
  const __m512 one = _mm512_set1_ps(1.0F);
  const __m512 linear = _mm512_set1_ps(-2.0F * 0.797884560802865F);
  const __m512 cubic = _mm512_set1_ps(-2.0F * 0.797884560802865F * 0.044715F);
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 g = _mm512_maskz_loadu_ps(mask, gate + i);
    const __m512 z = _mm512_mul_ps(g, _mm512_fmadd_ps(_mm512_mul_ps(g, g), cubic, linear));
    const __m512 gelu = _mm512_div_ps(g, _mm512_add_ps(one, exp_ps(z)));
    _mm512_mask_storeu_ps(gate + i, mask, _mm512_mul_ps(gelu, _mm512_maskz_loadu_ps(mask, up + i)));
  });
}

void gelu(float* x, std::size_t n) noexcept {
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 value = _mm512_maskz_loadu_ps(mask, x + i);
    const __m512 tail = normal_tail_ps(_mm512_abs_ps(value));
    const __mmask16 negative = _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LT_OQ);
    const __m512 share =
        _mm512_mask_mov_ps(_mm512_sub_ps(_mm512_set1_ps(1.0F), tail), negative, tail);
    _mm512_mask_storeu_ps(x + i, mask, _mm512_mul_ps(value, share));
  });
}

void rotate(float* a, float* b, const float* cosine, const float* sine, std::size_t n) noexcept {
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 x = _mm512_maskz_loadu_ps(mask, a + i);
    const __m512 y = _mm512_maskz_loadu_ps(mask, b + i);
    const __m512 c = _mm512_maskz_loadu_ps(mask, cosine + i);
    const __m512 s = _mm512_maskz_loadu_ps(mask, sine + i);
    _mm512_mask_storeu_ps(a + i, mask, _mm512_fmsub_ps(x, c, _mm512_mul_ps(y, s)));
    _mm512_mask_storeu_ps(b + i, mask, _mm512_fmadd_ps(y, c, _mm512_mul_ps(x, s)));
  });
}

float largest(const float* x, std::size_t n) noexcept {
  __m512 top = _mm512_set1_ps(-HUGE_VALF);
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    top = _mm512_max_ps(top, _mm512_mask_loadu_ps(top, mask, x + i));
  });
  return _mm512_reduce_max_ps(top);
}

double log_sum_exp(const float* x, std::size_t n) noexcept {
  const float top = largest(x, n);
  const __m512 tops = _mm512_set1_ps(top);
  __m512d low = _mm512_setzero_pd();
  __m512d high = _mm512_setzero_pd();
  for_lanes(n, [&](std::size_t i, __mmask16 mask) {
    const __m512 e = _mm512_maskz_mov_ps(
        mask, exp_negative_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), tops)));
    low = _mm512_add_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(e)));
    high = _mm512_add_pd(high,
                         _mm512_cvtps_pd(_mm512_castps512_ps256(_mm512_shuffle_f32x4(e, e, 0xEE))));
  });
  return static_cast<double>(top) + log(_mm512_reduce_add_pd(_mm512_add_pd(low, high)));
}

std::size_t argmax(const float* x, std::size_t n) noexcept {
  const __m512 top = _mm512_set1_ps(largest(x, n));
  for (std::size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first_lanes(n - i);
    const __mmask16 equal =
        _mm512_mask_cmp_ps_mask(mask, _mm512_maskz_loadu_ps(mask, x + i), top, _CMP_EQ_OQ);
    if (equal != 0) {
      return i + static_cast<std::size_t>(__builtin_ctz(equal));
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

}  // namespace nibble::kernels::avx512
