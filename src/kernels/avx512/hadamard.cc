#include "kernels/avx512/hadamard.h"

#include <immintrin.h>

#include "kernels/hadamard_rows.h"

namespace nibble::kernels::avx512 {
namespace {

struct Lanes {
  using Vector = __m512;
  static constexpr std::size_t kLanes = 16;

  static Vector load(const float* x) noexcept { return _mm512_loadu_ps(x); }
  static void store(float* x, Vector v) noexcept { _mm512_storeu_ps(x, v); }
  static Vector add(Vector a, Vector b) noexcept { return _mm512_add_ps(a, b); }
  static Vector subtract(Vector a, Vector b) noexcept { return _mm512_sub_ps(a, b); }
  static Vector multiply(Vector a, Vector b) noexcept { return _mm512_mul_ps(a, b); }
  static Vector splat(float x) noexcept { return _mm512_set1_ps(x); }

  /// The sum everywhere, then the difference in the lanes of the upper half.
  template <std::size_t kStride>
  static Vector butterfly(Vector v) noexcept {
    if constexpr (kStride == 1) {
      return both(v, _mm512_permute_ps(v, 0xB1), 0xAAAA);
    } else if constexpr (kStride == 2) {
      return both(v, _mm512_permute_ps(v, 0x4E), 0xCCCC);
    } else if constexpr (kStride == 4) {
      return both(v, _mm512_shuffle_f32x4(v, v, 0xB1), 0xF0F0);
    } else {
      return both(v, _mm512_shuffle_f32x4(v, v, 0x4E), 0xFF00);
    }
  }

 private:
  static Vector both(Vector v, Vector neighbour, __mmask16 upper) noexcept {
    return _mm512_mask_sub_ps(add(v, neighbour), upper, neighbour, v);
  }
};

}  // namespace

const HadamardKernels kHadamard = {.transform = transform<Lanes>};

}  // namespace nibble::kernels::avx512
