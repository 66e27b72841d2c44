#include "kernels/neon/hadamard.h"

#include <arm_neon.h>

#include "kernels/hadamard_rows.h"

namespace nibble::kernels::neon {
namespace {

struct Lanes {
  using Vector = float32x4_t;
  static constexpr std::size_t kLanes = 4;

  static Vector load(const float* x) noexcept { return vld1q_f32(x); }
  static void store(float* x, Vector v) noexcept { vst1q_f32(x, v); }
  static Vector add(Vector a, Vector b) noexcept { return vaddq_f32(a, b); }
  static Vector subtract(Vector a, Vector b) noexcept { return vsubq_f32(a, b); }
  static Vector multiply(Vector a, Vector b) noexcept { return vmulq_f32(a, b); }
  static Vector splat(float x) noexcept { return vdupq_n_f32(x); }

  /// The neighbour is added; lanes of the upper half have their sign turned first.
  template <std::size_t kStride>
  static Vector butterfly(Vector v) noexcept {
    if constexpr (kStride == 1) {
      const Vector signs = {1.0F, -1.0F, 1.0F, -1.0F};
      return add(vrev64q_f32(v), multiply(v, signs));
    } else {
      const Vector signs = {1.0F, 1.0F, -1.0F, -1.0F};
      return add(vextq_f32(v, v, 2), multiply(v, signs));
    }
  }
};

}  // namespace

const HadamardKernels kHadamard = {.transform = transform<Lanes>};

}  // namespace nibble::kernels::neon
