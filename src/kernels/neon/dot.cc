#include "kernels/neon/dot.h"

#include "kernels/neon/math.h"

namespace nibble::kernels::neon {

float dot(const float* x, const float* y, std::size_t n) noexcept {
  float32x4_t sums[4] = {
      vdupq_n_f32(0.0F), vdupq_n_f32(0.0F), vdupq_n_f32(0.0F), vdupq_n_f32(0.0F)};
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (std::size_t j = 0; j < 4; ++j) {
      sums[j] = vfmaq_f32(sums[j], vld1q_f32(x + i + 4 * j), vld1q_f32(y + i + 4 * j));
    }
  }
  for (; i < n; i += 4) {
    sums[0] = vfmaq_f32(sums[0], load(x + i, n - i), load(y + i, n - i));
  }
  return vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3])));
}

}  // namespace nibble::kernels::neon
