// Activations into tiles: float32, and int8 with a scale for each block.
#include "kernels/avx2/linear.h"
#include "kernels/avx2/math.h"
#include "kernels/pack_tiles.h"

namespace nibble::kernels::avx2 {
namespace {

__m256 absolute(__m256 x) noexcept {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), x);
}

std::int32_t sum_lanes(__m256i x) noexcept {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
}

/// Codes of one block of one token, and its scale and sum behind them.
void pack_block(
    const PackTask& task, std::size_t t, const float* x, std::size_t n, std::byte* out) noexcept {
  __m256 values[4];
  __m256 tops = _mm256_setzero_ps();
  __m256 unordered = _mm256_setzero_ps();
  for (std::size_t v = 0; v < 4; ++v) {
    values[v] = v * 8 < n ? load(x + v * 8, n - v * 8) : _mm256_setzero_ps();
    tops = _mm256_max_ps(tops, absolute(values[v]));
    unordered = _mm256_or_ps(unordered, _mm256_cmp_ps(values[v], values[v], _CMP_UNORD_Q));
  }
  const float top = largest_lane(tops);
  const __m256 inverse = _mm256_set1_ps(top > 0.0F ? 127.0F / top : 0.0F);
  __m256i codes[4];
  __m256i sums = _mm256_setzero_si256();
  for (std::size_t v = 0; v < 4; ++v) {
    codes[v] = _mm256_cvtps_epi32(_mm256_mul_ps(values[v], inverse));
    sums = _mm256_add_epi32(sums, codes[v]);
  }
  // The packs work within halves; the last step puts the dwords back in order.
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(codes[0], codes[1]),
                                           _mm256_packs_epi32(codes[2], codes[3]));
  alignas(32) std::int32_t ordered[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(ordered),
                     _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
  const std::size_t n_dwords = task.format->groups.block / 4;
  auto* dwords = reinterpret_cast<std::int32_t*>(out);
  for (std::size_t d = 0; d < n_dwords; ++d) {
    dwords[d * task.tile + t] = ordered[d];
  }
  const bool is_broken = _mm256_movemask_ps(unordered) != 0 || top > __FLT_MAX__;
  const std::int32_t sum = is_broken ? 0 : sum_lanes(sums);
  std::int32_t* inits = dwords + n_dwords * task.tile;
  auto* scales = reinterpret_cast<float*>(inits + task.tile);
  inits[t] = -task.format->zero * sum;
  scales[t] = is_broken ? __builtin_nanf("") : top / 127.0F;  // the maximum does not see NaN
  scales[task.tile + t] = scales[t] * static_cast<float>(sum);
}

}  // namespace

void pack_f32(const PackTask& task) noexcept {
  pack_columns(task);
}

void pack_int8(const PackTask& task) noexcept {
  pack_blocks(task, pack_block);
}

}  // namespace nibble::kernels::avx2
