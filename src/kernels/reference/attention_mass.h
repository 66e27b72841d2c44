/// Masses of spans as their formula reads: all weights of a query, then one sum for each span.
/// Never optimised.
///
/// Precision  float64 inside, one rounding at the end
/// Errors     std::bad_alloc ends the program: it holds all weights of a query
/// Source     our own
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels/mass/mass.h"

namespace nibble::kernels::reference {

extern const MassKernels kMass;

/// Each span's part of the sum of `weights`, which are those of the keys from `first` on.
void share_weights(std::span<const double> weights,
                   std::size_t first,
                   std::span<const KeySpan> spans,
                   float* masses) noexcept;

/// exp(score - the largest score) of the keys that a query at `position` sees; `score(key)`.
template <class Score>
std::vector<double> weights_of(const AttentionTask& task,
                               std::size_t position,
                               const Score& score) {
  std::vector<double> weights;
  for (std::size_t j = first_visible(position, task.window); j <= position; ++j) {
    weights.push_back(score(j));
  }
  const double top = std::ranges::max(weights);
  std::ranges::transform(weights, weights.begin(), [top](double x) { return std::exp(x - top); });
  return weights;
}

/// The masses of every query of a task; `score(q, key, position of q)`.
template <class Score>
void share_queries(const AttentionTask& task, std::span<const KeySpan> spans, const Score& score) {
  for (std::size_t i = 0; i < task.n_queries * task.n_heads; ++i) {
    const std::size_t t = i / task.n_heads;
    const std::size_t head = i % task.n_heads;
    const float* const q = task.q + t * task.q_stride + head * task.head_dim;
    const std::size_t position = task.first_position + t;
    const auto of_key = [&](std::size_t key) { return score(q, key, position); };
    share_weights(weights_of(task, position, of_key),
                  first_visible(position, task.window),
                  spans,
                  task.out + t * task.out_stride + head * spans.size());
  }
}

}  // namespace nibble::kernels::reference
