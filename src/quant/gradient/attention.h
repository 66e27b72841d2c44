/// Causal grouped-query attention of whole windows, forwards and backwards, in float or double.
///
///   p = softmax_j(scale q k^T), capped and windowed as ops/attention.h says;   out = p v
///   dv = p^T dout,  ds = p (dout v^T - rowsum(dout out)),  dq = scale ds k,  dk = scale ds^T q
///
/// Backwards, p is made again tile by tile: nothing of its size is kept.
///
/// Shapes     q, out [rows, n_heads * head_dim]; k, v [rows, n_kv_heads * head_dim]; rows are whole
///            windows of `window` tokens, each a sequence of its own
/// Precision  that of T
/// Threads    one task a window and key/value head; equal results for any number of threads
/// Source     Dao et al. 2022, arXiv 2205.14135, appendix B.2 (the backward pass); our own code
#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "ops/attention.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

template <class T>
struct AttentionInputs {
  MatrixView<const T> q, k, v;
};

template <class T>
struct AttentionGradients {
  MatrixView<T> q, k, v;
};

template <class T>
void attention_forward(const ops::AttentionShape& shape,
                       std::size_t window,
                       const AttentionInputs<T>& in,
                       MatrixView<T> out,
                       ThreadPool& pool);

/// What came out, and the gradient there.
template <class T>
struct AttentionOutputs {
  MatrixView<const T> out, dout;
};

template <class T>
void attention_backward(const ops::AttentionShape& shape,
                        std::size_t window,
                        const AttentionInputs<T>& in,
                        const AttentionOutputs<T>& out,
                        const AttentionGradients<T>& gradients,
                        ThreadPool& pool);

}  // namespace nibble::quant
