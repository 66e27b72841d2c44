// Float panels: FMA in float32 for the exact mode, vdpbf16ps for dense weights.
#include <immintrin.h>

#include "kernels/avx512/linear.h"

namespace nibble::kernels::avx512 {
namespace {

/// Columns (or pairs) whose products are summed on their own before they join the total: shorter
/// sums round less. Every width of tile sums these runs alike, one after the other, so that a token
/// gets the same bits in any company.
constexpr std::size_t kRun = 64;

/// Rows of the p-th panel of the task, as a mask.
__mmask16 rows_of(const PanelTask& task, std::size_t p) noexcept {
  const std::size_t n = task.n_rows - 16 * p;
  return static_cast<__mmask16>((1U << (n < 16 ? n : 16)) - 1U);
}

/// Writes tokens [first, first + T) of the p-th panel, as far as the tile is filled.
template <int T>
void store(const PanelTask& task,
           std::size_t p,
           std::size_t first,
           const __m512 (&sums)[T]) noexcept {
  const __mmask16 rows = rows_of(task, p);
  const __m512 bias =
      task.bias != nullptr ? _mm512_maskz_loadu_ps(rows, task.bias + 16 * p) : _mm512_setzero_ps();
  for (std::size_t t = 0; t < T && first + t < task.n_tokens; ++t) {
    _mm512_mask_storeu_ps(
        task.y + (first + t) * task.y_stride + 16 * p, rows, _mm512_add_ps(sums[t], bias));
  }
}

template <int T>
void clear(__m512 (&sums)[T]) noexcept {
  for (int t = 0; t < T; ++t) {
    sums[t] = _mm512_setzero_ps();
  }
}

/// What one column (a pair of bfloat16 columns) of 16 rows adds to the sums of a token.
struct FloatStep {
  static __m512 run(__m512 sum, __m512 weight, __m512 x) noexcept {
    return _mm512_fmadd_ps(weight, x, sum);
  }
};

struct BfloatStep {
  static __m512 run(__m512 sum, __m512 weight, __m512 x) noexcept {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(weight), reinterpret_cast<__m512bh>(x));
  }
};

/// The sums of one run of n steps; then they join the totals.
template <class Step, int T>
void add_run(const float* weight, const float* x, std::size_t n, __m512 (&totals)[T]) noexcept {
  __m512 sums[T];
  clear(sums);
  for (std::size_t i = 0; i < n; ++i) {
    const __m512 w = _mm512_loadu_ps(weight + 16 * i);
    for (int t = 0; t < T; ++t) {
      sums[t] = Step::run(sums[t], w, _mm512_set1_ps(x[i * T + t]));
    }
  }
  for (int t = 0; t < T; ++t) {
    totals[t] = _mm512_add_ps(totals[t], sums[t]);
  }
}

/// The weights are read once, in order. Several runs side by side would hide the latency of a chain
/// of sums, but one chain is faster than memory, and a prefetcher wants one stream: four read
/// 15 GB/s where one reads 27 (Zen 4).
template <class Step, int T>
void multiply_tile(const PanelTask& task, std::size_t n_steps) noexcept {
  const auto* weight = reinterpret_cast<const float*>(task.codes);
  const auto* x = reinterpret_cast<const float*>(task.x);
  __m512 totals[T];
  clear(totals);
  for (std::size_t i = 0; i < n_steps; i += kRun) {
    const std::size_t n = n_steps - i < kRun ? n_steps - i : kRun;
    add_run<Step, T>(weight + 16 * i, x + i * T, n, totals);
  }
  store(task, 0, 0, totals);
}

/// The sums of one run of n steps for two panels; then they join the totals.
template <class Step, int T>
void add_run_of_pair(const float* weight,
                     std::size_t panel_stride,
                     const float* x,
                     std::size_t x_stride,
                     std::size_t n,
                     __m512 (&totals)[2][T]) noexcept {
  __m512 sums[2][T];
  clear(sums[0]);
  clear(sums[1]);
  for (std::size_t i = 0; i < n; ++i) {
    const __m512 low = _mm512_loadu_ps(weight + 16 * i);
    const __m512 high = _mm512_loadu_ps(weight + panel_stride + 16 * i);
    for (int t = 0; t < T; ++t) {
      const __m512 input = _mm512_set1_ps(x[i * x_stride + static_cast<std::size_t>(t)]);
      sums[0][t] = Step::run(sums[0][t], low, input);
      sums[1][t] = Step::run(sums[1][t], high, input);
    }
  }
  for (int t = 0; t < T; ++t) {
    totals[0][t] = _mm512_add_ps(totals[0][t], sums[0][t]);
    totals[1][t] = _mm512_add_ps(totals[1][t], sums[1][t]);
  }
}

/// Two panels share each broadcast of an input: a product for each broadcast stops at three
/// quarters of the peak (Zen 4). 2 x 6 sums and 2 x 6 totals fill the registers as 12 and 12 do, so
/// a tile is taken in halves.
template <class Step, int T>
void multiply_pair(const PanelTask& task, std::size_t n_steps) noexcept {
  const auto* weight = reinterpret_cast<const float*>(task.codes);
  const std::size_t panel_stride = task.codes_stride / sizeof(float);
  const auto* x = reinterpret_cast<const float*>(task.x);
  for (std::size_t first = 0; first < task.n_tokens; first += T) {
    __m512 totals[2][T];
    clear(totals[0]);
    clear(totals[1]);
    for (std::size_t i = 0; i < n_steps; i += kRun) {
      const std::size_t n = n_steps - i < kRun ? n_steps - i : kRun;
      add_run_of_pair<Step, T>(
          weight + 16 * i, panel_stride, x + i * task.tile + first, task.tile, n, totals);
    }
    store(task, 0, first, totals[0]);
    store(task, 1, first, totals[1]);
  }
}

template <class Step>
void multiply_each(PanelTask task, std::size_t n_steps) noexcept;

template <class Step>
void multiply(const PanelTask& task, std::size_t n_steps) noexcept {
  if (task.n_rows > 16) {
    return task.tile == 12  ? multiply_pair<Step, 6>(task, n_steps)
           : task.tile == 8 ? multiply_pair<Step, 4>(task, n_steps)
                            : multiply_each<Step>(task, n_steps);
  }
  switch (task.tile) {
    case 1:
      return multiply_tile<Step, 1>(task, n_steps);
    case 2:
      return multiply_tile<Step, 2>(task, n_steps);
    case 4:
      return multiply_tile<Step, 4>(task, n_steps);
    case 8:
      return multiply_tile<Step, 8>(task, n_steps);
    default:
      return multiply_tile<Step, 12>(task, n_steps);
  }
}

/// A few tokens are bound by the reading of weights: one panel after the other.
template <class Step>
void multiply_each(PanelTask task, std::size_t n_steps) noexcept {
  const std::size_t n_rows = task.n_rows;
  task.n_rows = 16;
  multiply<Step>(task, n_steps);
  task.codes += task.codes_stride;
  task.bias = task.bias != nullptr ? task.bias + 16 : nullptr;
  task.y += 16;
  task.n_rows = n_rows - 16;
  multiply<Step>(task, n_steps);
}

}  // namespace

void multiply_f32(const PanelTask& task) noexcept {
  multiply<FloatStep>(task, task.cols);
}

void multiply_bf16(const PanelTask& task) noexcept {
  multiply<BfloatStep>(task, (task.cols + 1) / 2);
}

}  // namespace nibble::kernels::avx512
