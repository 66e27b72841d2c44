/// How attention is spread over spans of keys: the probability that each query head gives to all
/// keys of a span together, for some queries.
///
///   mass[t, h, s] = sum over visible j in span s of softmax_j(scale * q[t, h] . k[j, …])
///
/// What attention (attention.h) computes on its way, without a matrix over keys: scores live a tile
/// at a time.
///
/// Shapes     q [tokens, n_heads * head_dim]; masses of a row [n_heads, n_spans]
/// Layout     as in attention.h
/// Precision  float32, by the kernels of attention; a row's masses depend on nothing but its query
///            and its keys
/// Threads    splits (sequence, key/value head, query tile) over the pool
/// Errors     those of attention; kShapeMismatch: no room for the masses, spans that do not ascend
/// Source     our own; docs/decisions/0025-attention-mass.md
#pragma once

#include <cstddef>
#include <span>

#include "kernels/mass/mass.h"
#include "ops/attention.h"

namespace nibble::ops {

/// Positions [begin, end) of keys.
using TokenSpan = kernels::KeySpan;

/// Consecutive rows of q that share spans.
struct MassRows {
  AttentionSequence sequence;
  std::span<const TokenSpan> spans;  ///< ascending and disjoint; may be empty or reach past the end
  float* masses = nullptr;           ///< of the first row
  std::size_t stride = 0;            ///< floats from one row's masses to the next's
};

/// Whether they ascend and are disjoint.
[[nodiscard]] bool are_spans_in_order(std::span<const TokenSpan> spans) noexcept;

void attention_mass(const AttentionShape& shape,
                    MatrixView<const float> q,
                    std::span<const MassRows> rows,
                    ThreadPool& pool);

}  // namespace nibble::ops
