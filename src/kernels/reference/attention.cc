#include "kernels/reference/attention.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/reference/attention_coded.h"
#include "kernels/reference/attention_mass.h"
#include "tensor/half.h"

namespace nibble::kernels::reference {
namespace {

float widen(float value) noexcept {
  return value;
}
float widen(std::uint16_t half) noexcept {
  return f16_to_f32(half);
}

template <class Element>
const Element* row_of(const AttentionTask& task, const void* page, std::size_t position) noexcept {
  return static_cast<const Element*>(page) + task.kv_offset +
         position % task.page_tokens * task.head_dim;
}

template <class Element>
double score(const AttentionTask& task, const float* q, std::size_t position) noexcept {
  const auto* key = row_of<Element>(task, task.pages[position / task.page_tokens].keys, position);
  double dot = 0.0;
  for (std::size_t d = 0; d < task.head_dim; ++d) {
    dot += double{q[d]} * double{widen(key[d])};
  }
  dot *= double{task.scale};
  const double cap = task.softcap;
  return cap == 0.0 ? dot : cap * std::tanh(dot / cap);
}

template <class Element>
void attend(const AttentionTask& task, const float* q, float* out, std::size_t position) noexcept {
  const std::size_t first = first_visible(position, task.window);
  double top = -std::numeric_limits<double>::infinity();
  for (std::size_t j = first; j <= position; ++j) {
    top = std::max(top, score<Element>(task, q, j));
  }
  double total = 0.0;
  double sum[kMaxHeadDim] = {};
  for (std::size_t j = first; j <= position; ++j) {
    const double weight = std::exp(score<Element>(task, q, j) - top);
    const auto* value = row_of<Element>(task, task.pages[j / task.page_tokens].values, j);
    total += weight;
    for (std::size_t d = 0; d < task.head_dim; ++d) {
      sum[d] += weight * double{widen(value[d])};
    }
  }
  for (std::size_t d = 0; d < task.head_dim; ++d) {
    out[d] = static_cast<float>(sum[d] / total);
  }
}

template <class Element>
void attention(const AttentionTask& task) noexcept {
  for (std::size_t t = 0; t < task.n_queries; ++t) {
    for (std::size_t h = 0; h < task.n_heads; ++h) {
      attend<Element>(task,
                      task.q + t * task.q_stride + h * task.head_dim,
                      task.out + t * task.out_stride + h * task.head_dim,
                      task.is_causal ? task.first_position + t : task.first_position);
    }
  }
}

template <class Element>
void sum_masses(const AttentionTask& task, std::span<const KeySpan> spans) noexcept {
  share_queries(task, spans, [&task](const float* q, std::size_t key, std::size_t /*position*/) {
    return score<Element>(task, q, key);
  });
}

void to_f16(const float* x, void* y, std::size_t n) noexcept {
  std::transform(x, x + n, static_cast<std::uint16_t*>(y), f32_to_f16);
}

}  // namespace

const AttentionKernels kAttention = {.f32 = attention<float>,
                                     .f16 = attention<std::uint16_t>,
                                     .to_f16 = to_f16,
                                     .coded = attention_coded};

void sum_masses_f32(const AttentionTask& task, std::span<const KeySpan> spans) noexcept {
  sum_masses<float>(task, spans);
}

void sum_masses_f16(const AttentionTask& task, std::span<const KeySpan> spans) noexcept {
  sum_masses<std::uint16_t>(task, spans);
}

}  // namespace nibble::kernels::reference
