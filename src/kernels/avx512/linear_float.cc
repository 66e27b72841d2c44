// Float panels: FMA in float32 for the exact mode; for dense weights vdpbf16ps, or FMA on bfloat16
// widened in registers.
#include <immintrin.h>

#include "kernels/avx512/linear.h"

namespace nibble::kernels::avx512 {
namespace {

/// Floats of a run of weights, of two panels.
constexpr std::size_t kRunFloats = 2 * 16 * 64;

/// Weights that are multiplied as they are stored.
struct StoredWeight {
  static constexpr int kInputs = 1;
  template <int kInput>
  static __m512 weight(__m512 stored) noexcept {
    return stored;
  }
};

struct Fma {
  static __m512 add(__m512 sum, __m512 weight, __m512 x) noexcept {
    return _mm512_fmadd_ps(weight, x, sum);
  }
};

/// What one step adds to the sums of a token: 16 stored dwords, a weight of 16 rows for each input.
/// The products of kRun steps are summed on their own before they join the total: shorter sums
/// round less. Every width of tile sums these runs alike, one after the other, so that a token gets
/// the same bits in any company.
struct FloatStep : StoredWeight, Fma {
  static constexpr std::size_t kRun = 64;
};

/// An input is a pair of bfloat16.
struct BfloatStep : StoredWeight {
  static constexpr std::size_t kRun = 64;
  static __m512 add(__m512 sum, __m512 weight, __m512 x) noexcept {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(weight), reinterpret_cast<__m512bh>(x));
  }
};

/// A pair of bfloat16 weights as two floats, for two inputs in float32.
struct WidenedStep : Fma {
  static constexpr std::size_t kRun = 32;
  static constexpr int kInputs = 2;
  template <int kInput>
  static __m512 weight(__m512 stored) noexcept {
    const __m512i pairs = _mm512_castps_si512(stored);
    return _mm512_castsi512_ps(
        kInput == 0 ? _mm512_slli_epi32(pairs, 16)
                    : _mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
  }
};

template <int P, int T>
void clear(__m512 (&sums)[P][T]) noexcept {
  for (int p = 0; p < P; ++p) {
    for (int t = 0; t < T; ++t) {
      sums[p][t] = _mm512_setzero_ps();
    }
  }
}

/// sums += input kInput of a step, of P panels by T tokens.
template <class Step, int kInput, int P, int T>
[[gnu::always_inline]] inline void add_input(const __m512 (&stored)[P],
                                             const float* x,
                                             __m512 (&sums)[P][T]) noexcept {
  __m512 weights[P];
  for (int p = 0; p < P; ++p) {
    weights[p] = Step::template weight<kInput>(stored[p]);
  }
  for (int t = 0; t < T; ++t) {
    const __m512 input = _mm512_set1_ps(x[t]);
    for (int p = 0; p < P; ++p) {
      sums[p][t] = Step::add(sums[p][t], weights[p], input);
    }
  }
}

/// The sums of one run of n steps.
template <class Step, int P, int T>
[[gnu::always_inline]] inline void sum_run(const float* weight,
                                           std::size_t panel_stride,
                                           const float* x,
                                           std::size_t n,
                                           __m512 (&sums)[P][T]) noexcept {
  clear(sums);
  for (std::size_t i = 0; i < n; ++i) {
    __m512 stored[P];
    for (int p = 0; p < P; ++p) {
      stored[p] = _mm512_loadu_ps(weight + static_cast<std::size_t>(p) * panel_stride + 16 * i);
    }
    add_input<Step, 0>(stored, x, sums);
    if constexpr (Step::kInputs == 2) {
      add_input<Step, 1>(stored, x + T, sums);
    }
    x += Step::kInputs * T;
  }
}

/// Rows of the p-th panel of the task, as a mask.
__mmask16 rows_of(const PanelTask& task, std::size_t p) noexcept {
  const std::size_t n = task.n_rows - 16 * p;
  return static_cast<__mmask16>((1U << (n < 16 ? n : 16)) - 1U);
}

/// The rows' biases of the p-th panel.
__m512 bias_of(const PanelTask& task, std::size_t p) noexcept {
  return task.bias != nullptr ? _mm512_maskz_loadu_ps(rows_of(task, p), task.bias + 16 * p)
                              : _mm512_setzero_ps();
}

/// The weights are read once, in order. Several runs side by side would hide the latency of a chain
/// of sums, but one chain is faster than memory, and a prefetcher wants one stream: four read
/// 15 GB/s where one reads 27 (Zen 4).
template <class Step, int T>
void multiply_tile(const PanelTask& task, std::size_t n_steps) noexcept {
  const auto* weight = reinterpret_cast<const float*>(task.codes);
  const auto* x = reinterpret_cast<const float*>(task.x);
  __m512 totals[1][T];
  clear(totals);
  for (std::size_t i = 0; i < n_steps; i += Step::kRun) {
    const std::size_t n = n_steps - i < Step::kRun ? n_steps - i : Step::kRun;
    __m512 sums[1][T];
    sum_run<Step>(weight + 16 * i, 0, x + i * Step::kInputs * T, n, sums);
    for (int t = 0; t < T; ++t) {
      totals[0][t] = _mm512_add_ps(totals[0][t], sums[0][t]);
    }
  }
  const __mmask16 rows = rows_of(task, 0);
  const __m512 bias = bias_of(task, 0);
  for (std::size_t t = 0; t < T && t < task.n_tokens; ++t) {
    _mm512_mask_storeu_ps(task.y + t * task.y_stride, rows, _mm512_add_ps(totals[0][t], bias));
  }
}

/// Totals of two panels by T tokens, in the first-level cache.
template <int T>
struct Totals {
  alignas(64) float values[T][2][16];

  /// Of the first run: what `add` would make of zeros.
  [[gnu::always_inline]] inline void set(const __m512 (&sums)[2][T]) noexcept {
    for (int t = 0; t < T; ++t) {
      for (int p = 0; p < 2; ++p) {
        _mm512_store_ps(values[t][p], _mm512_add_ps(_mm512_setzero_ps(), sums[p][t]));
      }
    }
  }
  [[gnu::always_inline]] inline void add(const __m512 (&sums)[2][T]) noexcept {
    for (int t = 0; t < T; ++t) {
      for (int p = 0; p < 2; ++p) {
        float* total = values[t][p];
        _mm512_store_ps(total, _mm512_add_ps(_mm512_load_ps(total), sums[p][t]));
      }
    }
  }
  /// Writes the n tokens from y on.
  void store(const PanelTask& task, float* y, std::size_t n) const noexcept {
    for (std::size_t p = 0; p < 2; ++p) {
      const __mmask16 rows = rows_of(task, p);
      const __m512 bias = bias_of(task, p);
      for (std::size_t t = 0; t < T && t < n; ++t) {
        _mm512_mask_storeu_ps(y + t * task.y_stride + 16 * p,
                              rows,
                              _mm512_add_ps(_mm512_load_ps(values[t][p]), bias));
      }
    }
  }
};

/// What is read after a run: its two panels, their lines.
struct NextRun {
  const float* weight;
  std::size_t panel_stride;  ///< floats
  std::size_t n_lines;       ///< of each panel
};

/// A run of two panels, and the inputs of all tiles to it.
struct Run {
  const float* weight;
  std::size_t panel_stride;  ///< floats
  const float* x;
  std::size_t tile_stride;  ///< floats
  std::size_t n_steps;
  std::size_t n_tiles;
  bool is_first;
  NextRun next;
};

/// The share of a tile, into the second level. A processor's own prefetchers stop at the ends of
/// pages, and a run of a panel fills one.
void prefetch_share(const NextRun& next, std::size_t tile, std::size_t n_tiles) noexcept {
  const std::size_t end = next.n_lines * (tile + 1) / n_tiles;
  for (std::size_t line = next.n_lines * tile / n_tiles; line < end; ++line) {
    const float* at = next.weight + 16 * line;
    _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char*>(at + next.panel_stride), _MM_HINT_T1);
  }
}

template <class Step, int T>
void add_run(const Run& run, Totals<T>* totals) noexcept {
  for (std::size_t tile = 0; tile < run.n_tiles; ++tile) {
    prefetch_share(run.next, tile, run.n_tiles);
    __m512 sums[2][T];
    sum_run<Step>(run.weight, run.panel_stride, run.x + tile * run.tile_stride, run.n_steps, sums);
    if (run.is_first) {
      totals[tile].set(sums);
    } else {
      totals[tile].add(sums);
    }
  }
}

/// [panel][column][16] of a run of pairs.
void widen(const Run& run, float* out) noexcept {
  for (std::size_t p = 0; p < 2; ++p) {
    for (std::size_t i = 0; i < run.n_steps; ++i) {
      const __m512 stored = _mm512_loadu_ps(run.weight + p * run.panel_stride + 16 * i);
      _mm512_store_ps(out, WidenedStep::weight<0>(stored));
      _mm512_store_ps(out + 16, WidenedStep::weight<1>(stored));
      out += 32;
    }
  }
}

/// Tiles from which on weights are widened once for all of them, not in registers for each.
constexpr std::size_t kWidenedTiles = 3;

template <class Step, int T>
void add_any_run(const Run& run, Totals<T>* totals) noexcept {
  if constexpr (Step::kInputs == 2) {
    if (run.n_tiles >= kWidenedTiles) {
      alignas(64) float floats[kRunFloats];
      widen(run, floats);
      Run widened = run;
      widened.weight = floats;
      widened.n_steps = 2 * run.n_steps;
      widened.panel_stride = 16 * widened.n_steps;
      add_run<FloatStep>(widened, totals);
      return;
    }
  }
  add_run<Step>(run, totals);
}

/// Asks for the lines of y that a task of two panels will write.
void prefetch_outputs(const PanelTask& task) noexcept {
  for (std::size_t t = 0; t < task.n_tokens; ++t) {
    const float* y = task.y + t * task.y_stride;
    _mm_prefetch(reinterpret_cast<const char*>(y), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(y + 16), _MM_HINT_T0);
  }
}

/// Two panels share each broadcast of an input: a product for each broadcast stops at three
/// quarters of the peak (Zen 4). 2 x 12 sums fill the registers, so the totals are kept in memory.
/// A run of the weights (8 KiB) is taken from the first level for all tiles of the task, one after
/// the other; read for one tile at a time it comes from the second level and costs a tenth (Intel,
/// family 6 model 207).
template <class Step, int T>
void multiply_pair(const PanelTask& task, std::size_t n_steps) noexcept {
  const auto* weight = reinterpret_cast<const float*>(task.codes);
  const std::size_t panel_stride = task.codes_stride / sizeof(float);
  constexpr std::size_t kInputs = static_cast<std::size_t>(Step::kInputs) * T;  // of a step
  const std::size_t n_tiles = (task.n_tokens + T - 1) / T;
  Totals<T> totals[kFloatTilesAtOnce];
  for (std::size_t i = 0; i < n_steps; i += Step::kRun) {
    const std::size_t n = n_steps - i < Step::kRun ? n_steps - i : Step::kRun;
    const bool is_last = i + n == n_steps;
    if (is_last) {
      prefetch_outputs(task);
    }
    const float* after = is_last ? weight + 2 * panel_stride : weight + 16 * (i + n);
    add_any_run<Step>(Run{.weight = weight + 16 * i,
                          .panel_stride = panel_stride,
                          .x = reinterpret_cast<const float*>(task.x) + i * kInputs,
                          .tile_stride = n_steps * kInputs,
                          .n_steps = n,
                          .n_tiles = n_tiles,
                          .is_first = i == 0,
                          .next = {after, panel_stride, Step::kRun}},
                      totals);
  }
  for (std::size_t tile = 0; tile < n_tiles; ++tile) {
    const std::size_t first = tile * T;
    totals[tile].store(task, task.y + first * task.y_stride, task.n_tokens - first);
  }
}

template <class Step>
void multiply_width(const PanelTask& task, std::size_t n_steps) noexcept {
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

/// One panel and one tile after the other: a few tokens are bound by the reading of weights.
template <class Step>
void multiply_each(const PanelTask& task, std::size_t n_steps) noexcept {
  const std::size_t tile_bytes = n_steps * Step::kInputs * task.tile * sizeof(float);
  for (std::size_t p = 0; 16 * p < task.n_rows; ++p) {
    for (std::size_t first = 0; first < task.n_tokens; first += task.tile) {
      PanelTask one = task;
      one.codes += p * task.codes_stride;
      one.bias = task.bias != nullptr ? task.bias + 16 * p : nullptr;
      one.n_rows = task.n_rows - 16 * p < 16 ? task.n_rows - 16 * p : 16;
      one.x += first / task.tile * tile_bytes;
      one.n_tokens = task.n_tokens - first;
      one.y += first * task.y_stride + 16 * p;
      multiply_width<Step>(one, n_steps);
    }
  }
}

template <class Step>
void multiply(const PanelTask& task, std::size_t n_steps) noexcept {
  if (task.n_rows > 16 && task.tile == 12) {
    return multiply_pair<Step, 12>(task, n_steps);
  }
  if (task.n_rows > 16 && task.tile == 8) {
    return multiply_pair<Step, 8>(task, n_steps);
  }
  multiply_each<Step>(task, n_steps);
}

}  // namespace

void multiply_f32(const PanelTask& task) noexcept {
  multiply<FloatStep>(task, task.cols);
}

void multiply_bf16(const PanelTask& task) noexcept {
  multiply<BfloatStep>(task, (task.cols + 1) / 2);
}

void multiply_widened_bf16(const PanelTask& task) noexcept {
  multiply<WidenedStep>(task, (task.cols + 1) / 2);
}

}  // namespace nibble::kernels::avx512
