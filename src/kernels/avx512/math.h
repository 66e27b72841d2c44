/// exp, expm1-free sigmoid and tanh in registers of 16 floats, for the AVX-512 files only.
///
/// Everything is in an unnamed namespace: each file compiles its own copy for its own instruction
/// set.
///
/// Precision  exp: relative error below 1.5e-7 (2 ulp) from -87.3 to 88.7; below that 0, above
///            infinity
/// Source     range reduction by Cody and Waite; polynomial: Taylor terms to degree 7 on |r| <= ln
///            2 / 2
#pragma once

#include <immintrin.h>

namespace nibble::kernels::avx512 {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

inline __m512 exp_ps(__m512 x) noexcept {
  const __m512 log2e = _mm512_set1_ps(1.44269504F);
  const __m512 n =
      _mm512_roundscale_ps(_mm512_mul_ps(x, log2e), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  // ln 2 in two parts, the first with few bits, so that n times it is exact.
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4F), r);
  __m512 p = _mm512_set1_ps(1.0F / 5040.0F);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0F / 720.0F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0F / 120.0F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0F / 24.0F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0F / 6.0F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0F));
  return _mm512_scalef_ps(p, n);  // 0 and infinity where n is out of range; -infinity gives 0 below
}

/// exp(x) where x <= 0, -infinity included.
inline __m512 exp_negative_ps(__m512 x) noexcept {
  return exp_ps(_mm512_max_ps(x, _mm512_set1_ps(-104.0F)));
}

/// tanh(x) = 1 - 2 / (exp(2x) + 1); the error is absolute, below 1e-7.
inline __m512 tanh_ps(__m512 x) noexcept {
  const __m512 bounded =
      _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-15.0F)), _mm512_set1_ps(15.0F));
  const __m512 e = exp_ps(_mm512_add_ps(bounded, bounded));
  const __m512 one = _mm512_set1_ps(1.0F);
  return _mm512_sub_ps(one, _mm512_div_ps(_mm512_set1_ps(2.0F), _mm512_add_ps(e, one)));
}

/// The share of a normal distribution above x >= 0: erfc(x / sqrt(2)) / 2. The error is absolute,
/// below 1.2e-7 (Abramowitz and Stegun 1964, 7.1.26).
inline __m512 normal_tail_ps(__m512 x) noexcept {
  const __m512 z = _mm512_mul_ps(x, _mm512_set1_ps(0.707106781F));
  const __m512 one = _mm512_set1_ps(1.0F);
  const __m512 t = _mm512_div_ps(one, _mm512_fmadd_ps(z, _mm512_set1_ps(0.3275911F), one));
  __m512 p = _mm512_set1_ps(0.5F * 1.061405429F);
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.5F * -1.453152027F));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.5F * 1.421413741F));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.5F * -0.284496736F));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.5F * 0.254829592F));
  const __m512 square = _mm512_mul_ps(z, z);
  return _mm512_mul_ps(_mm512_mul_ps(p, t),
                       exp_negative_ps(_mm512_sub_ps(_mm512_setzero_ps(), square)));
}

/// Mask of the first n of 16 lanes, n of any size.
inline __mmask16 first_lanes(std::size_t n) noexcept {
  return static_cast<__mmask16>(n >= 16 ? 0xFFFFU : (1U << n) - 1U);
}

}  // namespace
}  // namespace nibble::kernels::avx512
