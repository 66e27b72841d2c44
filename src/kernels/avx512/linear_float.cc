// Float panels: FMA in float32 for the exact mode, vdpbf16ps for dense weights and 4-bit codebooks
// of floats.
#include <immintrin.h>

#include "kernels/avx512/linear.h"

namespace nibble::kernels::avx512 {
namespace {

/// Columns (or pairs) whose products are summed on their own before they join the total: shorter
/// sums round less. Every width of tile sums these runs alike, one after the other, so that a token
/// gets the same bits in any company.
constexpr std::size_t kRun = 64;

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

/// The sums of kChains runs of n steps side by side, which hides the latency of a chain; then all
/// join the totals in order.
template <class Step, int T, int kChains>
void add_runs(const float* weight, const float* x, std::size_t n, __m512 (&totals)[T]) noexcept {
  __m512 sums[kChains][T];
  for (int c = 0; c < kChains; ++c) {
    clear(sums[c]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (int c = 0; c < kChains; ++c) {
      const std::size_t step = static_cast<std::size_t>(c) * n + i;
      const __m512 w = _mm512_loadu_ps(weight + 16 * step);
      for (int t = 0; t < T; ++t) {
        sums[c][t] = Step::run(sums[c][t], w, x + step * T + t);
      }
    }
  }
  for (int c = 0; c < kChains; ++c) {
    for (int t = 0; t < T; ++t) {
      totals[t] = _mm512_add_ps(totals[t], sums[c][t]);
    }
  }
}

/// A few tokens leave room for several runs at a time.
template <class Step, int T, int kChains>
void multiply_tile(const PanelTask& task, std::size_t n_steps) noexcept {
  const auto* weight = reinterpret_cast<const float*>(task.codes);
  const auto* x = reinterpret_cast<const float*>(task.x);
  __m512 totals[T];
  clear(totals);
  std::size_t i = 0;
  for (; i + kChains * kRun <= n_steps; i += kChains * kRun) {
    add_runs<Step, T, kChains>(weight + 16 * i, x + i * T, kRun, totals);
  }
  for (; i < n_steps; i += kRun) {
    const std::size_t n = n_steps - i < kRun ? n_steps - i : kRun;
    add_runs<Step, T, 1>(weight + 16 * i, x + i * T, n, totals);
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

/// sums += scale * dot for kChains groups of n_vectors each, side by side; in order.
template <int T, int kChains>
void add_lut_groups(const std::uint8_t* codes,
                    const std::uint16_t* scales,
                    const float* x,
                    std::size_t n_vectors,
                    __m512i levels,
                    __m512 (&sums)[T]) noexcept {
  __m512 dots[kChains][T];
  for (int c = 0; c < kChains; ++c) {
    clear(dots[c]);
  }
  for (std::size_t v = 0; v < n_vectors; ++v) {
    __m512i bytes[kChains];
    for (int c = 0; c < kChains; ++c) {
      bytes[c] = _mm512_loadu_si512(codes + (static_cast<std::size_t>(c) * n_vectors + v) * 64);
    }
#pragma GCC unroll 4
    for (int nibble = 0; nibble < 4; ++nibble) {
      for (int c = 0; c < kChains; ++c) {
        const float* value = x + (static_cast<std::size_t>(c) * n_vectors + v) * 4 * T + nibble * T;
        const auto w = reinterpret_cast<__m512bh>(_mm512_permutexvar_epi16(bytes[c], levels));
        for (int t = 0; t < T; ++t) {
          dots[c][t] =
              _mm512_dpbf16_ps(dots[c][t], w, reinterpret_cast<__m512bh>(_mm512_set1_ps(value[t])));
        }
        bytes[c] = _mm512_srli_epi16(bytes[c], 4);
      }
    }
  }
  for (int c = 0; c < kChains; ++c) {
    const __m512 scale = _mm512_cvtph_ps(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(scales + c * kPanelRows)));
    for (int t = 0; t < T; ++t) {
      sums[t] = _mm512_fmadd_ps(scale, dots[c][t], sums[t]);
    }
  }
}

/// A few tokens leave room for several groups at a time.
template <int T, int kChains>
void multiply_lut_tile(const PanelTask& task) noexcept {
  const GroupShape& groups = task.groups;
  const __m512i levels = codebook(task.levels);
  const auto* codes = reinterpret_cast<const std::uint8_t*>(task.codes);
  const auto* x = reinterpret_cast<const float*>(task.x);
  const std::size_t block_vectors = groups.block / 8;
  const std::size_t group_vectors = groups.blocks_per_group * block_vectors;
  const std::size_t n_vectors = groups.n_blocks * block_vectors;
  __m512 sums[T];
  clear(sums);
  std::size_t v = 0;
  const std::uint16_t* scales = task.scales;
  for (; v + kChains * group_vectors <= n_vectors; v += kChains * group_vectors) {
    add_lut_groups<T, kChains>(codes + v * 64, scales, x + v * 4 * T, group_vectors, levels, sums);
    scales += kChains * kPanelRows;
  }
  for (; v < n_vectors; v += group_vectors) {
    const std::size_t n = n_vectors - v < group_vectors ? n_vectors - v : group_vectors;
    add_lut_groups<T, 1>(codes + v * 64, scales, x + v * 4 * T, n, levels, sums);
    scales += kPanelRows;
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
