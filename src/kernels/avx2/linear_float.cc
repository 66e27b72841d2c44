// Float activations: float32 weights, and bfloat16 weights widened in the loop.
#include "kernels/avx2/linear.h"
#include "kernels/avx2/math.h"
#include "kernels/prefetch.h"

namespace nibble::kernels::avx2 {
namespace {

/// Columns whose products are summed on their own before they join the total: shorter sums round
/// less.
constexpr std::size_t kSumLength = 256;

/// Sums of 16 rows by T tokens.
template <int T>
struct Sums {
  __m256 low[T];
  __m256 high[T];

  void clear() noexcept {
    for (int t = 0; t < T; ++t) {
      low[t] = high[t] = _mm256_setzero_ps();
    }
  }
  /// One column of weights with the values x[0 … T) of the tokens.
  void add(__m256 weight_low, __m256 weight_high, const float* x) noexcept {
    for (int t = 0; t < T; ++t) {
      const __m256 value = _mm256_broadcast_ss(x + t);
      low[t] = _mm256_fmadd_ps(weight_low, value, low[t]);
      high[t] = _mm256_fmadd_ps(weight_high, value, high[t]);
    }
  }
  /// this += scale * other.
  void add_scaled(const Sums& other, __m256 scale_low, __m256 scale_high) noexcept {
    for (int t = 0; t < T; ++t) {
      low[t] = _mm256_fmadd_ps(scale_low, other.low[t], low[t]);
      high[t] = _mm256_fmadd_ps(scale_high, other.high[t], high[t]);
    }
  }
  void write(const PanelTask& task) const noexcept {
    const std::size_t n_high = task.n_rows > 8 ? task.n_rows - 8 : 0;
    const __m256 none = _mm256_setzero_ps();
    const __m256 bias_low = task.bias != nullptr ? load(task.bias, task.n_rows) : none;
    const __m256 bias_high = task.bias != nullptr ? load(task.bias + 8, n_high) : none;
    for (std::size_t t = 0; t < T && t < task.n_tokens; ++t) {
      float* y = task.y + t * task.y_stride;
      store(y, _mm256_add_ps(low[t], bias_low), task.n_rows);
      store(y + 8, _mm256_add_ps(high[t], bias_high), n_high);
    }
  }
};

template <int T>
void tile_f32(const PanelTask& task) noexcept {
  const auto* weight = reinterpret_cast<const float*>(task.codes);
  const auto* x = reinterpret_cast<const float*>(task.x);
  const __m256 one = _mm256_set1_ps(1.0F);
  Sums<T> totals;
  totals.clear();
  for (std::size_t first = 0; first < task.cols; first += kSumLength) {
    const std::size_t n = task.cols - first < kSumLength ? task.cols - first : kSumLength;
    Sums<T> sums;
    sums.clear();
    for (std::size_t i = 0; i < n; ++i) {
      if constexpr (T <= kWidestPrefetchingTile) {
        prefetch_lines(weight + task.ahead / sizeof(float), 1);
      }
      sums.add(_mm256_loadu_ps(weight), _mm256_loadu_ps(weight + 8), x);
      weight += kPanelRows;
      x += T;
    }
    totals.add_scaled(sums, one, one);
  }
  totals.write(task);
}

/// The first (in memory) bfloat16 of each pair as a float, and the second.
__m256 first_of_pairs(__m256i pairs) noexcept {
  return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
}
__m256 second_of_pairs(__m256i pairs) noexcept {
  return _mm256_castsi256_ps(
      _mm256_and_si256(pairs, _mm256_set1_epi32(static_cast<int>(0xFFFF0000U))));
}

template <int T>
void tile_bf16(const PanelTask& task) noexcept {
  const auto* weight = reinterpret_cast<const __m256i*>(task.codes);
  const auto* x = reinterpret_cast<const float*>(task.x);
  Sums<T> sums;
  sums.clear();
  for (std::size_t i = 0; i < (task.cols + 1) / 2; ++i) {
    if constexpr (T <= kWidestPrefetchingTile) {
      prefetch_lines(task.codes + 64 * i + task.ahead, 1);
    }
    const __m256i low = _mm256_loadu_si256(weight + 2 * i);
    const __m256i high = _mm256_loadu_si256(weight + 2 * i + 1);
    sums.add(first_of_pairs(low), first_of_pairs(high), x);
    sums.add(second_of_pairs(low), second_of_pairs(high), x + T);
    x += 2 * T;
  }
  sums.write(task);
}

}  // namespace

void multiply_f32(const PanelTask& task) noexcept {
  switch (task.tile) {
    case 1:
      return tile_f32<1>(task);
    case 2:
      return tile_f32<2>(task);
    case 4:
      return tile_f32<4>(task);
    default:
      return tile_f32<6>(task);
  }
}

void multiply_bf16(const PanelTask& task) noexcept {
  switch (task.tile) {
    case 1:
      return tile_bf16<1>(task);
    case 2:
      return tile_bf16<2>(task);
    case 4:
      return tile_bf16<4>(task);
    default:
      return tile_bf16<6>(task);
  }
}

}  // namespace nibble::kernels::avx2
