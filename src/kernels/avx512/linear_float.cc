// Float panels: FMA in float32 for the exact mode, vdpbf16ps for dense weights.
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

}  // namespace

void multiply_f32(const PanelTask& task) noexcept {
  multiply<FloatStep>(task, task.cols);
}

void multiply_bf16(const PanelTask& task) noexcept {
  multiply<BfloatStep>(task, (task.cols + 1) / 2);
}

}  // namespace nibble::kernels::avx512
