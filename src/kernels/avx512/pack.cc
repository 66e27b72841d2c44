// Activations into tiles: float32, bfloat16, and int8 with a scale for each block.
#include <immintrin.h>

#include "kernels/avx512/linear.h"
#include "kernels/pack_tiles.h"

namespace nibble::kernels::avx512 {
namespace {

/// Mask of the first n of 16 lanes, n of any size.
__mmask16 first_lanes(std::size_t n) noexcept {
  return static_cast<__mmask16>(n >= 16 ? 0xFFFFU : (1U << n) - 1U);
}

/// Dword i of `values` to out[i * stride].
void spread(__m512i values, std::int32_t* out, std::size_t stride, std::size_t n) noexcept {
  alignas(64) std::int32_t dwords[16];
  _mm512_store_si512(dwords, values);
  for (std::size_t i = 0; i < n; ++i) {
    out[i * stride] = dwords[i];
  }
}

/// Codes of one block of one token, and its scale and sum behind them.
void pack_block(
    const PackTask& task, std::size_t t, const float* x, std::size_t n, std::byte* out) noexcept {
  const __m512 low = _mm512_maskz_loadu_ps(first_lanes(n), x);
  const __m512 high =
      n > 16 ? _mm512_maskz_loadu_ps(first_lanes(n - 16), x + 16) : _mm512_setzero_ps();
  const float top = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
  const __m512 inverse = _mm512_set1_ps(top > 0.0F ? 127.0F / top : 0.0F);
  const __m512i low_codes = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
  const __m512i high_codes = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
  const bool is_broken = (_mm512_cmp_ps_mask(low, low, _CMP_UNORD_Q) |
                          _mm512_cmp_ps_mask(high, high, _CMP_UNORD_Q)) != 0 ||
                         top > __FLT_MAX__;
  const std::int32_t sum =
      is_broken ? 0 : _mm512_reduce_add_epi32(_mm512_add_epi32(low_codes, high_codes));
  const __m256i codes =
      _mm256_set_m128i(_mm512_cvtepi32_epi8(high_codes), _mm512_cvtepi32_epi8(low_codes));
  const std::size_t n_dwords = task.format->groups.block / 4;
  auto* dwords = reinterpret_cast<std::int32_t*>(out);
  spread(_mm512_castsi256_si512(codes), dwords + t, task.tile, n_dwords);
  std::int32_t* inits = dwords + n_dwords * task.tile;
  auto* scales = reinterpret_cast<float*>(inits + task.tile);
  inits[t] = -task.format->zero * sum;
  scales[t] = is_broken ? __builtin_nanf("") : top / 127.0F;  // the maximum does not see NaN
  scales[task.tile + t] = scales[t] * static_cast<float>(sum);
}

void clear(std::byte* out, std::size_t n_bytes) noexcept {
  __builtin_memset(out, 0, n_bytes);
}

}  // namespace

void pack_f32(const PackTask& task) noexcept {
  auto* out = reinterpret_cast<float*>(task.out);
  const std::size_t cols = task.format->cols;
  const std::size_t depth = task.format->depth;
  if (task.n_tokens < task.tile || cols < depth) {
    clear(task.out, depth * task.tile * sizeof(float));
  }
  for (std::size_t c = 0; c < cols; c += 16) {
    const std::size_t n = cols - c < 16 ? cols - c : 16;
    for (std::size_t t = 0; t < task.n_tokens; ++t) {
      const __m512 values = _mm512_maskz_loadu_ps(first_lanes(n), task.x + t * task.x_stride + c);
      spread(_mm512_castps_si512(values),
             reinterpret_cast<std::int32_t*>(out + c * task.tile + t),
             task.tile,
             n);
    }
  }
}

void pack_bf16(const PackTask& task) noexcept {
  auto* out = reinterpret_cast<std::int32_t*>(task.out);
  const std::size_t cols = task.format->cols;
  const std::size_t depth = task.format->depth;
  if (task.n_tokens < task.tile || cols + 1 < depth) {
    clear(task.out, depth * task.tile * sizeof(std::uint16_t));
  }
  for (std::size_t c = 0; c < cols; c += 16) {
    const std::size_t n = cols - c < 16 ? cols - c : 16;
    for (std::size_t t = 0; t < task.n_tokens; ++t) {
      const __m512 values = _mm512_maskz_loadu_ps(first_lanes(n), task.x + t * task.x_stride + c);
      const auto pairs = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values));
      spread(_mm512_castsi256_si512(pairs), out + c / 2 * task.tile + t, task.tile, (n + 1) / 2);
    }
  }
}

void pack_int8(const PackTask& task) noexcept {
  pack_blocks(task, pack_block);
}

}  // namespace nibble::kernels::avx512
