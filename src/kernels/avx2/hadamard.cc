#include "kernels/avx2/hadamard.h"

#include <immintrin.h>

#include "kernels/hadamard_rows.h"

namespace nibble::kernels::avx2 {
namespace {

struct Lanes {
  using Vector = __m256;
  static constexpr std::size_t kLanes = 8;

  static Vector load(const float* x) noexcept { return _mm256_loadu_ps(x); }
  static void store(float* x, Vector v) noexcept { _mm256_storeu_ps(x, v); }
  static Vector add(Vector a, Vector b) noexcept { return _mm256_add_ps(a, b); }
  static Vector subtract(Vector a, Vector b) noexcept { return _mm256_sub_ps(a, b); }
  static Vector multiply(Vector a, Vector b) noexcept { return _mm256_mul_ps(a, b); }
  static Vector splat(float x) noexcept { return _mm256_set1_ps(x); }

  /// The neighbour is added; lanes of the upper half have their sign turned first.
  template <std::size_t kStride>
  static Vector butterfly(Vector v) noexcept {
    if constexpr (kStride == 1) {
      const Vector signs = _mm256_setr_ps(0, -0.0F, 0, -0.0F, 0, -0.0F, 0, -0.0F);
      return add(_mm256_permute_ps(v, 0xB1), _mm256_xor_ps(v, signs));
    } else if constexpr (kStride == 2) {
      const Vector signs = _mm256_setr_ps(0, 0, -0.0F, -0.0F, 0, 0, -0.0F, -0.0F);
      return add(_mm256_permute_ps(v, 0x4E), _mm256_xor_ps(v, signs));
    } else {
      const Vector signs = _mm256_setr_ps(0, 0, 0, 0, -0.0F, -0.0F, -0.0F, -0.0F);
      return add(_mm256_permute2f128_ps(v, v, 0x01), _mm256_xor_ps(v, signs));
    }
  }
};

}  // namespace

const HadamardKernels kHadamard = {.transform = transform<Lanes>};

}  // namespace nibble::kernels::avx2
