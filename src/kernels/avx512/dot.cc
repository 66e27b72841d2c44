#include "kernels/avx512/dot.h"

#include "kernels/avx512/math.h"

namespace nibble::kernels::avx512 {

float dot(const float* x, const float* y, std::size_t n) noexcept {
  __m512 sums[4] = {
      _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
  std::size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    for (std::size_t j = 0; j < 4; ++j) {
      sums[j] = _mm512_fmadd_ps(
          _mm512_loadu_ps(x + i + 16 * j), _mm512_loadu_ps(y + i + 16 * j), sums[j]);
    }
  }
  for (; i < n; i += 16) {
    const __mmask16 mask = n - i < 16 ? first_lanes(n - i) : static_cast<__mmask16>(0xFFFF);
    sums[0] = _mm512_fmadd_ps(
        _mm512_maskz_loadu_ps(mask, x + i), _mm512_maskz_loadu_ps(mask, y + i), sums[0]);
  }
  return _mm512_reduce_add_ps(
      _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}

}  // namespace nibble::kernels::avx512
