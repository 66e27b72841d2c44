#include "kernels/avx2/dot.h"

#include "kernels/avx2/math.h"

namespace nibble::kernels::avx2 {

float dot(const float* x, const float* y, std::size_t n) noexcept {
  __m256 sums[4] = {
      _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    for (std::size_t j = 0; j < 4; ++j) {
      sums[j] =
          _mm256_fmadd_ps(_mm256_loadu_ps(x + i + 8 * j), _mm256_loadu_ps(y + i + 8 * j), sums[j]);
    }
  }
  for (; i < n; i += 8) {
    sums[0] = _mm256_fmadd_ps(load(x + i, n - i), load(y + i, n - i), sums[0]);
  }
  return sum_lanes(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])));
}

}  // namespace nibble::kernels::avx2
