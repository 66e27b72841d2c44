/// Coded keys and values of one layer: what attention and the cache need to know of their scheme.
///
/// Shapes     k, v [tokens, n_kv_heads * head_dim]; k unrotated where the scheme codes keys before
///            RoPE
/// Threads    splits pages over the pool
/// Errors     kUnsupported: head_dim is no multiple of 16; kShapeMismatch: pages of another size,
///            tables that are missing or do not fit
/// Source     our own; docs/decisions/0014-coded-kv.md
#pragma once

#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "codec/kv/scheme.h"
#include "codec/kv/tables.h"
#include "ops/rope_table.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

struct AttentionSequence;
struct AttentionShape;

struct KvCoding {
  const codec::KvScheme* scheme = nullptr;
  const codec::KvTables* tables = nullptr;  ///< where the scheme needs them
  const RopeTable* rotations = nullptr;     ///< where keys are coded before RoPE
};

/// Tokens of a page that have room for floats.
[[nodiscard]] constexpr std::size_t float_tokens(const codec::KvScheme& scheme) noexcept {
  return scheme.residual > 0 ? codec::kKvPageTokens : scheme.n_sinks;
}

/// Throws unless the shape's coding can be stored and attended to.
void check_coding(const AttentionShape& shape);

/// Codes rows of k and v into the sequences' pages, and floats beside them; what store_kv calls.
void store_coded_kv(const AttentionShape& shape,
                    MatrixView<const float> k,
                    MatrixView<const float> v,
                    std::span<const AttentionSequence> sequences,
                    ThreadPool& pool);

}  // namespace nibble::ops
