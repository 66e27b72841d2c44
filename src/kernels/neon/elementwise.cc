#include "kernels/neon/elementwise.h"

#include <math.h>

#include "kernels/neon/math.h"

namespace nibble::kernels::neon {
namespace {

void rms_norm(
    const float* x, const float* weight, float epsilon, float* y, std::size_t n) noexcept {
  float32x4_t squares = vdupq_n_f32(0.0F);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const float32x4_t value = load(x + i, count);
    squares = vfmaq_f32(squares, value, value);
  });
  const double mean = static_cast<double>(vaddvq_f32(squares)) / static_cast<double>(n);
  const auto factor = static_cast<float>(1.0 / sqrt(mean + static_cast<double>(epsilon)));
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const float32x4_t scaled = vmulq_n_f32(load(x + i, count), factor);
    store(y + i, vmulq_f32(scaled, load(weight + i, count)), count);
  });
}

void layer_norm(const float* x,
                const float* weight,
                const float* bias,
                float epsilon,
                float* y,
                std::size_t n) noexcept {
  float32x4_t sums = vdupq_n_f32(0.0F);
  for_lanes(n,
            [&](std::size_t i, std::size_t count) { sums = vaddq_f32(sums, load(x + i, count)); });
  const float32x4_t mean = vdupq_n_f32(vaddvq_f32(sums) / static_cast<float>(n));
  float32x4_t squares = vdupq_n_f32(0.0F);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const float32x4_t value = keep(vsubq_f32(load(x + i, count), mean), first_lanes(count));
    squares = vfmaq_f32(squares, value, value);
  });
  const double variance = static_cast<double>(vaddvq_f32(squares)) / static_cast<double>(n);
  const auto factor = static_cast<float>(1.0 / sqrt(variance + static_cast<double>(epsilon)));
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const float32x4_t scaled = vmulq_n_f32(vsubq_f32(load(x + i, count), mean), factor);
    store(y + i, vfmaq_f32(load(bias + i, count), scaled, load(weight + i, count)), count);
  });
}

void add(const float* x, float* y, std::size_t n) noexcept {
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    store(y + i, vaddq_f32(load(x + i, count), load(y + i, count)), count);
  });
}

void gate_silu(float* gate, const float* up, std::size_t n) noexcept {
  const float32x4_t one = vdupq_n_f32(1.0F);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const float32x4_t g = load(gate + i, count);
    const float32x4_t silu = vdivq_f32(g, vaddq_f32(one, exp_ps(vnegq_f32(g))));
    store(gate + i, vmulq_f32(silu, load(up + i, count)), count);
  });
}

void gate_gelu(float* gate, const float* up, std::size_t n) noexcept {
  // (1 + tanh(z)) / 2 = 1 / (1 + exp(-2z)): no cancellation where the result is small.
  const float32x4_t one = vdupq_n_f32(1.0F);
  const float32x4_t linear = vdupq_n_f32(-2.0F * 0.797884560802865F);
  const float32x4_t cubic = vdupq_n_f32(-2.0F * 0.797884560802865F * 0.044715F);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const float32x4_t g = load(gate + i, count);
    const float32x4_t z = vmulq_f32(g, vfmaq_f32(linear, vmulq_f32(g, g), cubic));
    const float32x4_t gelu = vdivq_f32(g, vaddq_f32(one, exp_ps(z)));
    store(gate + i, vmulq_f32(gelu, load(up + i, count)), count);
  });
}

void gelu(float* x, std::size_t n) noexcept {
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const float32x4_t value = load(x + i, count);
    const float32x4_t tail = normal_tail_ps(vabsq_f32(value));
    const float32x4_t share =
        vbslq_f32(vcltq_f32(value, vdupq_n_f32(0.0F)), tail, vsubq_f32(vdupq_n_f32(1.0F), tail));
    store(x + i, vmulq_f32(value, share), count);
  });
}

void rotate(float* a, float* b, const float* cosine, const float* sine, std::size_t n) noexcept {
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const float32x4_t x = load(a + i, count);
    const float32x4_t y = load(b + i, count);
    const float32x4_t c = load(cosine + i, count);
    const float32x4_t s = load(sine + i, count);
    store(a + i, vfmaq_f32(vnegq_f32(vmulq_f32(y, s)), x, c), count);
    store(b + i, vfmaq_f32(vmulq_f32(x, s), y, c), count);
  });
}

/// Lanes from `count` on as negative infinity.
float32x4_t load_or_lowest(const float* x, std::size_t count) noexcept {
  return vbslq_f32(first_lanes(count), load(x, count), vdupq_n_f32(-HUGE_VALF));
}

/// The largest element that is a number; negative infinity where there is none.
float largest(const float* x, std::size_t n) noexcept {
  float32x4_t top = vdupq_n_f32(-HUGE_VALF);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    top = vmaxnmq_f32(top, load_or_lowest(x + i, count));
  });
  return vmaxnmvq_f32(top);
}

double log_sum_exp(const float* x, std::size_t n) noexcept {
  const float top = largest(x, n);
  float64x2_t sums = vdupq_n_f64(0.0);
  for_lanes(n, [&](std::size_t i, std::size_t count) {
    const float32x4_t e =
        keep(exp_ps(vsubq_f32(load(x + i, count), vdupq_n_f32(top))), first_lanes(count));
    sums = vaddq_f64(sums, vcvt_f64_f32(vget_low_f32(e)));
    sums = vaddq_f64(sums, vcvt_high_f64_f32(e));
  });
  return static_cast<double>(top) + log(vaddvq_f64(sums));
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

}  // namespace nibble::kernels::neon
