/// Causal grouped-query attention over a paged key/value cache, for packed sequences of different
/// lengths.
///
///   out[t, h] = sum over j <= position(t) of softmax_j(scale * q[t, h] . k[j, h / (n_heads /
///   n_kv_heads)]) * v[j, …]
///
/// Shapes     q, out [tokens, n_heads * head_dim]; a page holds K and V as [n_kv_heads,
///            page_tokens, head_dim] each
/// Layout     the tokens of a sequence are consecutive rows of q; its keys, those of the tokens
///            themselves included, are already in its pages (position p in page p / page_tokens at
///            slot p % page_tokens)
/// Units      window in tokens: key j is seen when position - j < window; 0 means no window.
///            softcap 0 means none: otherwise s = softcap * tanh(s / softcap) before the softmax
/// Precision  online softmax in float32
/// Threads    splits (sequence, head, query tile) over the pool
/// Errors     kShapeMismatch when q, out, pages and sequences do not agree; kUnsupported when
///            head_dim > 512; those of check_coding
/// Source     online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867; our own code
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "kernels/attention.h"
#include "ops/coded_kv.h"
#include "tensor/dtype.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

/// Keys and values of up to `page_tokens` tokens of one layer.
using KvPageView = kernels::KvPage;

struct AttentionSequence {
  std::size_t first_row = 0;       ///< of its first query token in q
  std::size_t n_tokens = 0;        ///< query tokens
  std::size_t start_position = 0;  ///< position of the first query token
  std::span<const KvPageView> pages;
  std::span<const KvPageView> floats =
      {};  ///< beside coded pages, one for each; null where dropped
};

struct AttentionShape {
  std::size_t n_heads = 0;
  std::size_t n_kv_heads = 0;
  std::size_t head_dim = 0;
  float scale = 1.0F;
  float softcap = 0.0F;
  std::size_t window = 0;
  std::size_t page_tokens = 0;
  DType kv_dtype = DType::kF32;      ///< kF32 or kF16
  const KvCoding* coding = nullptr;  ///< pages are coded, with floats of `kv_dtype` beside them
};

void attention(const AttentionShape& shape,
               MatrixView<const float> q,
               std::span<const AttentionSequence> sequences,
               MatrixView<float> out,
               ThreadPool& pool);

/// Writes k, v rows [tokens, n_kv_heads * head_dim] of each sequence into its pages, converting to
/// `kv_dtype` or coding them (coded_kv.h).
void store_kv(const AttentionShape& shape,
              MatrixView<const float> k,
              MatrixView<const float> v,
              std::span<const AttentionSequence> sequences,
              ThreadPool& pool);

}  // namespace nibble::ops
