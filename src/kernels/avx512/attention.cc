#include "kernels/avx512/attention.h"

#include "kernels/avx512/attention_coded.h"
#include "kernels/avx512/attention_tile.h"

namespace nibble::kernels::avx512 {
namespace {

/// Rows of ascending positions over all keys that any of them sees.
template <class Element>
void attend_keys(const AttentionTask& task, AttentionRow* rows, std::size_t n) noexcept {
  Tile tile;
  for_key_runs(task, rows, n, kKeyTile, [&](const KeyRun& run) {
    tile.first = run.first;
    tile.n = run.n;
    load_keys(static_cast<const Element*>(run.page->keys) + run.element, task.head_dim, tile);
    const float* values = load_values(
        static_cast<const Element*>(run.page->values) + run.element, task.head_dim, tile);
    attend_tile(task, rows, n, tile, values);
  });
}

template <class Element>
void attention(const AttentionTask& task) noexcept {
  for_rows(
      task,
      task.head_dim,
      [&task](AttentionRow* rows, std::size_t n) { attend_keys<Element>(task, rows, n); },
      [&task](const AttentionRow& row) { divide_by_total(task, row); });
}

void to_f16(const float* x, void* y, std::size_t n) noexcept {
  auto* out = static_cast<Half*>(y);
  for (std::size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first_lanes(n - i);
    const __m256i halves =
        _mm512_cvtps_ph(_mm512_maskz_loadu_ps(mask, x + i), _MM_FROUND_TO_NEAREST_INT);
    _mm256_mask_storeu_epi16(out + i, mask, halves);
  }
}

}  // namespace

const AttentionKernels kAttention = {
    .f32 = attention<float>, .f16 = attention<Half>, .to_f16 = to_f16, .coded = attention_coded};

}  // namespace nibble::kernels::avx512
