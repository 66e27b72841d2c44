/// Attention of encoders: every token of a sequence sees every other, before and behind it.
///
///   out[t, h] = sum over all tokens j of the sequence of softmax_j(scale * q[t, h] . k[j, h]) *
///   v[j, h]
///
/// The kernels of decoders compute it, all queries standing at the last position.
///
/// Shapes     q, k, v, out [tokens, n_heads * head_dim]
/// Layout     the tokens of a sequence are consecutive rows; `lengths` has the tokens of each
/// Precision  online softmax in float32
/// Threads    splits (sequence, head) over the pool
/// Errors     kShapeMismatch when shapes and lengths do not agree; kUnsupported when head_dim > 512
/// Source     Vaswani et al. 2017, arXiv 1706.03762; our own code
#pragma once

#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "tensor/matrix_view.h"

namespace nibble::ops {

struct EncoderAttention {
  std::size_t n_heads = 0;
  std::size_t head_dim = 0;
  float scale = 1.0F;

  void apply(MatrixView<const float> q,
             MatrixView<const float> k,
             MatrixView<const float> v,
             std::span<const std::size_t> lengths,
             MatrixView<float> out,
             ThreadPool& pool) const;
};

}  // namespace nibble::ops
