// Float panels: FMA in float32 for the exact mode, vdpbf16ps for dense weights and 4-bit codebooks
// of floats.
#include <immintrin.h>

#include "kernels/avx512/linear.h"

namespace nibble::kernels::avx512 {
namespace {

/// Columns (or pairs) whose products are summed on their own before they join the total: shorter
/// sums round less.
constexpr std::size_t kSumLength = 256;

template <int T>
void store(const PanelTask& task, const __m512 (&sums)[T]) noexcept {
  const auto rows = static_cast<__mmask16>((1U << task.n_rows) - 1U);
  const __m512 bias =
      task.bias != nullptr ? _mm512_maskz_loadu_ps(rows, task.bias) : _mm512_setzero_ps();
  for (int t = 0; t < T && static_cast<std::size_t>(t) < task.n_tokens; ++t) {
    _mm512_mask_storeu_ps(
        task.y + static_cast<std::size_t>(t) * task.y_stride, rows, _mm512_add_ps(sums[t], bias));
  }
}

template <int T>
void clear(__m512 (&sums)[T]) noexcept {
  for (int t = 0; t < T; ++t) {
    sums[t] = _mm512_setzero_ps();
  }
}

/// sums += the sum over n steps of step(weights + 64 i bytes, x + i * T dwords).
struct FloatStep {
  static __m512 run(__m512 sum, __m512 weight, const float* x) noexcept {
    return _mm512_fmadd_ps(weight, _mm512_set1_ps(*x), sum);
  }
};

struct BfloatStep {
  static __m512 run(__m512 sum, __m512 weight, const float* x) noexcept {
    return _mm512_dpbf16_ps(
        sum, reinterpret_cast<__m512bh>(weight), reinterpret_cast<__m512bh>(_mm512_set1_ps(*x)));
  }
};

/// A few tokens leave room for several independent sums each, which hide the latency of the chain.
template <class Step, int T, int kChains>
void multiply_tile(const PanelTask& task, std::size_t n_steps) noexcept {
  const auto* weight = reinterpret_cast<const float*>(task.codes);
  const auto* x = reinterpret_cast<const float*>(task.x);
  __m512 totals[T];
  clear(totals);
  while (n_steps != 0) {
    const std::size_t n = n_steps < kSumLength ? n_steps : kSumLength;
    __m512 sums[kChains][T];
    for (int c = 0; c < kChains; ++c) {
      clear(sums[c]);
    }
    std::size_t i = 0;
    for (; i + kChains <= n; i += kChains) {
      for (int c = 0; c < kChains; ++c) {
        const __m512 w = _mm512_loadu_ps(weight + 16 * c);
        for (int t = 0; t < T; ++t) {
          sums[c][t] = Step::run(sums[c][t], w, x + c * T + t);
        }
      }
      weight += 16 * kChains;
      x += kChains * T;
    }
    for (; i < n; ++i) {
      const __m512 w = _mm512_loadu_ps(weight);
      for (int t = 0; t < T; ++t) {
        sums[0][t] = Step::run(sums[0][t], w, x + t);
      }
      weight += 16;
      x += T;
    }
    for (int c = 0; c < kChains; ++c) {
      for (int t = 0; t < T; ++t) {
        totals[t] = _mm512_add_ps(totals[t], sums[c][t]);
      }
    }
    n_steps -= n;
  }
  store(task, totals);
}

template <class Step>
void multiply(const PanelTask& task, std::size_t n_steps) noexcept {
  switch (task.tile) {
    case 1:
      return multiply_tile<Step, 1, 4>(task, n_steps);
    case 2:
      return multiply_tile<Step, 2, 4>(task, n_steps);
    case 4:
      return multiply_tile<Step, 4, 2>(task, n_steps);
    case 8:
      return multiply_tile<Step, 8, 1>(task, n_steps);
    default:
      return multiply_tile<Step, 12, 1>(task, n_steps);
  }
}

/// Codebook of bfloat16 values, twice 16 words: vpermw reads 5 index bits, so the bit above the
/// nibble does not matter.
__m512i codebook(const float* values) noexcept {
  const __m512 levels = _mm512_loadu_ps(values);
  const auto half = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(levels));
  return _mm512_inserti64x4(_mm512_castsi256_si512(half), half, 1);
}

/// As above: kChains independent sums for each token (1, 2 or 4).
template <int T, int kChains>
void multiply_lut_tile(const PanelTask& task) noexcept {
  const GroupShape& groups = task.groups;
  const __m512i levels = codebook(task.levels);
  const auto* codes = reinterpret_cast<const std::uint8_t*>(task.codes);
  const std::uint16_t* scales = task.scales;
  const auto* x = reinterpret_cast<const float*>(task.x);
  std::size_t blocks = groups.n_blocks;
  __m512 sums[T];
  clear(sums);
  while (blocks != 0) {
    const std::size_t n = blocks < groups.blocks_per_group ? blocks : groups.blocks_per_group;
    __m512 dots[kChains][T];
    for (int c = 0; c < kChains; ++c) {
      clear(dots[c]);
    }
    for (std::size_t v = 0; v < n * groups.block / 8; ++v) {
      __m512i bytes = _mm512_loadu_si512(codes);
#pragma GCC unroll 4
      for (int nibble = 0; nibble < 4; ++nibble) {
        const auto w = reinterpret_cast<__m512bh>(_mm512_permutexvar_epi16(bytes, levels));
        for (int t = 0; t < T; ++t) {
          const auto value = reinterpret_cast<__m512bh>(_mm512_set1_ps(x[nibble * T + t]));
          dots[nibble % kChains][t] = _mm512_dpbf16_ps(dots[nibble % kChains][t], w, value);
        }
        bytes = _mm512_srli_epi16(bytes, 4);
      }
      codes += 64;
      x += 4 * T;
    }
    const __m512 scale =
        _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales)));
    for (int t = 0; t < T; ++t) {
      __m512 dot = dots[0][t];
      for (int c = 1; c < kChains; ++c) {
        dot = _mm512_add_ps(dot, dots[c][t]);
      }
      sums[t] = _mm512_fmadd_ps(scale, dot, sums[t]);
    }
    scales += kPanelRows;
    blocks -= n;
  }
  const __m512 factor = _mm512_loadu_ps(task.row_factors);
  for (int t = 0; t < T; ++t) {
    sums[t] = _mm512_mul_ps(sums[t], factor);
  }
  store(task, sums);
}

}  // namespace

void multiply_f32(const PanelTask& task) noexcept {
  multiply<FloatStep>(task, task.cols);
}

void multiply_bf16(const PanelTask& task) noexcept {
  multiply<BfloatStep>(task, (task.cols + 1) / 2);
}

void multiply_lut4(const PanelTask& task) noexcept {
  switch (task.tile) {
    case 1:
      return multiply_lut_tile<1, 4>(task);
    case 2:
      return multiply_lut_tile<2, 4>(task);
    case 4:
      return multiply_lut_tile<4, 2>(task);
    case 8:
      return multiply_lut_tile<8, 1>(task);
    default:
      return multiply_lut_tile<12, 1>(task);
  }
}

}  // namespace nibble::kernels::avx512
