/// Loads of a part of a register, exp and tanh in registers of 4 floats, for the NEON files only.
///
/// Everything is in an unnamed namespace: each file compiles its own copy for its own instruction
/// set.
///
/// Precision  exp: relative error below 1.5e-7 (2 ulp) from -87.3 to 88.3; outside, the value at
///            the nearer end
/// Source     range reduction by Cody and Waite; polynomial: Taylor terms to degree 7 on |r| <= ln
///            2 / 2
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace nibble::kernels::neon {
namespace {  // NOLINT(google-build-namespaces): one copy for each file, on purpose

constexpr std::size_t kLanes = 4;

/// The first n floats, zeros behind them.
inline float32x4_t load(const float* x, std::size_t n) noexcept {
  float part[kLanes] = {};
  if (n < kLanes) {
    __builtin_memcpy(part, x, n * sizeof(float));
    x = part;
  }
  return vld1q_f32(x);
}
/// The first n halves as floats, zeros behind them.
inline float32x4_t load(const std::uint16_t* x, std::size_t n) noexcept {
  std::uint16_t part[kLanes] = {};
  if (n < kLanes) {
    __builtin_memcpy(part, x, n * sizeof(std::uint16_t));
    x = part;
  }
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x)));
}
inline void store(float* y, float32x4_t values, std::size_t n) noexcept {
  if (n >= kLanes) {
    return vst1q_f32(y, values);
  }
  float part[kLanes];
  vst1q_f32(part, values);
  __builtin_memcpy(y, part, n * sizeof(float));
}

/// Calls f(offset, count) for 4 elements at a time.
template <class F>
void for_lanes(std::size_t n, const F& f) noexcept {
  for (std::size_t i = 0; i < n; i += kLanes) {
    f(i, n - i < kLanes ? n - i : kLanes);
  }
}

/// All bits set in the first n of 4 lanes.
inline uint32x4_t first_lanes(std::size_t n) noexcept {
  const std::uint32_t each[kLanes] = {0, 1, 2, 3};
  return vcltq_u32(vld1q_u32(each), vdupq_n_u32(static_cast<std::uint32_t>(n)));
}
/// The lanes of x that the mask selects, zeros elsewhere.
inline float32x4_t keep(float32x4_t x, uint32x4_t mask) noexcept {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), mask));
}

inline float32x4_t exp_ps(float32x4_t x) noexcept {
  x = vminq_f32(vdupq_n_f32(88.3F), vmaxq_f32(vdupq_n_f32(-87.3F), x));
  const float32x4_t n = vrndnq_f32(vmulq_n_f32(x, 1.44269504F));
  float32x4_t r = vfmsq_f32(x, n, vdupq_n_f32(0.693359375F));
  r = vfmsq_f32(r, n, vdupq_n_f32(-2.12194440e-4F));
  float32x4_t p = vdupq_n_f32(1.0F / 5040.0F);
  p = vfmaq_f32(vdupq_n_f32(1.0F / 720.0F), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F / 120.0F), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F / 24.0F), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F / 6.0F), p, r);
  p = vfmaq_f32(vdupq_n_f32(0.5F), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F), p, r);
  p = vfmaq_f32(vdupq_n_f32(1.0F), p, r);
  const int32x4_t exponent = vshlq_n_s32(vcvtnq_s32_f32(n), 23);
  return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), exponent));
}

/// The share of a normal distribution above x >= 0: erfc(x / sqrt(2)) / 2. The error is absolute,
/// below 1.2e-7 (Abramowitz and Stegun 1964, 7.1.26).
inline float32x4_t normal_tail_ps(float32x4_t x) noexcept {
  const float32x4_t z = vmulq_n_f32(x, 0.707106781F);
  const float32x4_t one = vdupq_n_f32(1.0F);
  const float32x4_t t = vdivq_f32(one, vfmaq_f32(one, z, vdupq_n_f32(0.3275911F)));
  float32x4_t p = vdupq_n_f32(0.5F * 1.061405429F);
  p = vfmaq_f32(vdupq_n_f32(0.5F * -1.453152027F), p, t);
  p = vfmaq_f32(vdupq_n_f32(0.5F * 1.421413741F), p, t);
  p = vfmaq_f32(vdupq_n_f32(0.5F * -0.284496736F), p, t);
  p = vfmaq_f32(vdupq_n_f32(0.5F * 0.254829592F), p, t);
  return vmulq_f32(vmulq_f32(p, t), exp_ps(vnegq_f32(vmulq_f32(z, z))));
}

/// tanh(x) = 1 - 2 / (exp(2x) + 1); the error is absolute, below 1e-7.
inline float32x4_t tanh_ps(float32x4_t x) noexcept {
  const float32x4_t e = exp_ps(vaddq_f32(x, x));
  const float32x4_t one = vdupq_n_f32(1.0F);
  return vsubq_f32(one, vdivq_f32(vdupq_n_f32(2.0F), vaddq_f32(e, one)));
}

}  // namespace
}  // namespace nibble::kernels::neon
