/// Loads of a part of a register, exp and tanh in registers of 8 floats, for the AVX2 files only.
///
/// Everything is in an unnamed namespace: each file compiles its own copy for its own instruction
/// set.
///
/// Precision  exp: relative error below 1.5e-7 (2 ulp) from -87.3 to 88.3; outside, the value at
///            the nearer end
/// Source     range reduction by Cody and Waite; polynomial: Taylor terms to degree 7 on |r| <= ln
///            2 / 2
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace nibble::kernels::avx2 {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

/// All bits set in the first n of 8 lanes.
inline __m256i first_lanes(std::size_t n) noexcept {
  alignas(32) static const std::int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - (n < 8 ? n : 8)));
}

/// The first n floats, zeros behind them.
inline __m256 load(const float* x, std::size_t n) noexcept {
  return n >= 8 ? _mm256_loadu_ps(x) : _mm256_maskload_ps(x, first_lanes(n));
}
/// The first n halves as floats, zeros behind them.
inline __m256 load(const std::uint16_t* x, std::size_t n) noexcept {
  alignas(16) std::uint16_t part[8] = {};
  if (n < 8) {
    __builtin_memcpy(part, x, n * sizeof(std::uint16_t));
    x = part;
  }
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
}
inline void store(float* y, __m256 values, std::size_t n) noexcept {
  n >= 8 ? _mm256_storeu_ps(y, values) : _mm256_maskstore_ps(y, first_lanes(n), values);
}

/// Calls f(offset, count) for 8 elements at a time.
template <class F>
void for_lanes(std::size_t n, const F& f) noexcept {
  for (std::size_t i = 0; i < n; i += 8) {
    f(i, n - i < 8 ? n - i : 8);
  }
}

inline float largest_lane(__m256 x) noexcept {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
inline float sum_lanes(__m256 x) noexcept {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

inline __m256 exp_ps(__m256 x) noexcept {
  // The bounds come first: max and min return their second operand when one is NaN.
  x = _mm256_min_ps(_mm256_set1_ps(88.3F), _mm256_max_ps(_mm256_set1_ps(-87.3F), x));
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504F)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375F), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4F), r);
  __m256 p = _mm256_set1_ps(1.0F / 5040.0F);
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F / 720.0F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F / 120.0F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F / 24.0F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F / 6.0F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0F));
  const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
}

/// The share of a normal distribution above x >= 0: erfc(x / sqrt(2)) / 2. The error is absolute,
/// below 1.2e-7 (Abramowitz and Stegun 1964, 7.1.26).
inline __m256 normal_tail_ps(__m256 x) noexcept {
  const __m256 z = _mm256_mul_ps(x, _mm256_set1_ps(0.707106781F));
  const __m256 one = _mm256_set1_ps(1.0F);
  const __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(z, _mm256_set1_ps(0.3275911F), one));
  __m256 p = _mm256_set1_ps(0.5F * 1.061405429F);
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.5F * -1.453152027F));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.5F * 1.421413741F));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.5F * -0.284496736F));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.5F * 0.254829592F));
  const __m256 square = _mm256_mul_ps(z, z);
  return _mm256_mul_ps(_mm256_mul_ps(p, t), exp_ps(_mm256_sub_ps(_mm256_setzero_ps(), square)));
}

/// tanh(x) = 1 - 2 / (exp(2x) + 1); the error is absolute, below 1e-7.
inline __m256 tanh_ps(__m256 x) noexcept {
  const __m256 e = exp_ps(_mm256_add_ps(x, x));
  const __m256 one = _mm256_set1_ps(1.0F);
  return _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2.0F), _mm256_add_ps(e, one)));
}

}  // namespace
}  // namespace nibble::kernels::avx2
