#include "quant/gradient/attention.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/check.h"
#include "quant/gradient/exponential.h"
#include "quant/products.h"

namespace nibble::quant {
namespace {

/// Queries whose probabilities are in memory at once.
constexpr std::size_t kQueries = 128;

/// Queries of one head and the keys that they see.
struct Tile {
  std::size_t first_query = 0, n_queries = 0;
  std::size_t first_key = 0, n_keys = 0;
};

Tile tile_at(std::size_t first_query, std::size_t window, std::size_t sliding) {
  Tile out{.first_query = first_query, .n_queries = std::min(kQueries, window - first_query)};
  out.first_key = sliding > 0 && first_query + 1 > sliding ? first_query + 1 - sliding : 0;
  out.n_keys = first_query + out.n_queries - out.first_key;
  return out;
}

template <class T>
T tanh_of(T x) noexcept {
  return T{1} - T{2} / (T{1} + exponential(T{2} * x));
}

template <class T>
MatrixView<T> view(std::vector<T>& storage, std::size_t rows, std::size_t cols) {
  storage.resize(std::max(storage.size(), rows * cols));
  return {storage.data(), rows, cols};
}

/// A head of one window; the scratch serves tile after tile.
template <class T>
class Head {
 public:
  Head(const ops::AttentionShape& shape,
       MatrixView<const T> q,
       MatrixView<const T> k,
       MatrixView<const T> v)
      : shape_(shape), q_(q), k_(k), v_(v) {}

  void forward(MatrixView<T> out) {
    for (std::size_t first = 0; first < q_.rows; first += kQueries) {
      const Tile tile = tile_at(first, q_.rows, shape_.window);
      const auto p = probabilities(tile);
      product<T>(plain(p), plain(keys(v_, tile)), T{0}, out.rows_from(first, tile.n_queries));
    }
  }

  /// Gradients of k and v are added.
  void backward(MatrixView<const T> out,
                MatrixView<const T> dout,
                const AttentionGradients<T>& gradients) {
    for (std::size_t first = 0; first < q_.rows; first += kQueries) {
      const Tile tile = tile_at(first, q_.rows, shape_.window);
      const auto p = probabilities(tile);
      const auto d = dout.rows_from(first, tile.n_queries);
      product<T>(transposed(p), plain(d), T{1}, keys(gradients.v, tile));
      const auto ds = view(gradient_, tile.n_queries, tile.n_keys);
      product<T>(plain(d), transposed(keys(v_, tile)), T{0}, ds);
      through_softmax(p, out.rows_from(first, tile.n_queries), d, ds);
      product<T>(
          plain(ds), plain(keys(k_, tile)), T{0}, gradients.q.rows_from(first, tile.n_queries));
      product<T>(transposed(ds),
                 plain(q_.rows_from(first, tile.n_queries)),
                 T{1},
                 keys(gradients.k, tile));
    }
  }

 private:
  template <class M>
  static M keys(M m, const Tile& tile) {
    return m.rows_from(tile.first_key, tile.n_keys);
  }

  MatrixView<T> probabilities(const Tile& tile) {
    const auto p = view(probability_, tile.n_queries, tile.n_keys);
    if (shape_.softcap > 0.0F) {
      slope_.resize(std::max(slope_.size(), tile.n_queries * tile.n_keys));
    }
    product<T>(
        plain(q_.rows_from(tile.first_query, tile.n_queries)), transposed(keys(k_, tile)), T{0}, p);
    for (std::size_t i = 0; i < tile.n_queries; ++i) {
      const std::size_t position = tile.first_query + i;
      const std::size_t end = position + 1 - tile.first_key;
      const std::size_t begin = shape_.window > 0 && end > shape_.window ? end - shape_.window : 0;
      std::fill(p.row(i), p.row(i) + begin, T{0});
      std::fill(p.row(i) + end, p.row(i) + tile.n_keys, T{0});
      softmax(p.row(i) + begin, end - begin, i * tile.n_keys + begin);
    }
    return p;
  }

  void softmax(T* s, std::size_t n, std::size_t slope_at) {
    const T scale{shape_.scale};
    const T cap{shape_.softcap};
    for (std::size_t j = 0; j < n; ++j) {
      s[j] *= scale;
    }
    if (cap > T{0}) {
      for (std::size_t j = 0; j < n; ++j) {
        const T t = tanh_of(s[j] / cap);
        s[j] = cap * t;
        slope_[slope_at + j] = T{1} - t * t;
      }
    }
    const T top = *std::max_element(s, s + n);
    for (std::size_t j = 0; j < n; ++j) {
      s[j] = exponential(s[j] - top);
    }
    T sum{0};
    for (std::size_t j = 0; j < n; ++j) {
      sum += s[j];
    }
    const T inverse = T{1} / sum;
    for (std::size_t j = 0; j < n; ++j) {
      s[j] *= inverse;
    }
  }

  /// ds comes as the gradient of p, and leaves as that of q k^T.
  void through_softmax(MatrixView<const T> p,
                       MatrixView<const T> out,
                       MatrixView<const T> dout,
                       MatrixView<T> ds) const {
    const T scale{shape_.scale};
    for (std::size_t i = 0; i < p.rows; ++i) {
      T mean{0};
      for (std::size_t c = 0; c < out.cols; ++c) {
        mean += out(i, c) * dout(i, c);
      }
      const T* probability = p.row(i);
      T* d = ds.row(i);
      for (std::size_t j = 0; j < p.cols; ++j) {
        d[j] = probability[j] * (d[j] - mean) * scale;
      }
      if (shape_.softcap > 0.0F) {
        for (std::size_t j = 0; j < p.cols; ++j) {
          d[j] *= probability[j] > T{0} ? slope_[i * p.cols + j] : T{0};
        }
      }
    }
  }

  const ops::AttentionShape& shape_;
  MatrixView<const T> q_, k_, v_;
  std::vector<T> probability_, gradient_, slope_;
};

template <class T>
void check(const ops::AttentionShape& shape, std::size_t window, const AttentionInputs<T>& in) {
  NIBBLE_CHECK(window > 0 && in.q.rows % window == 0, "attention: whole windows");
  NIBBLE_CHECK(in.q.cols == shape.n_heads * shape.head_dim &&
                   in.k.cols == shape.n_kv_heads * shape.head_dim && in.v.cols == in.k.cols,
               "attention: shapes");
}

/// Calls f(rows, kv_head, heads of it) for each window and key/value head.
template <class F>
void for_each_task(const ops::AttentionShape& shape,
                   std::size_t n_windows,
                   ThreadPool& pool,
                   const F& f) {
  pool.run(n_windows * shape.n_kv_heads, [&](std::size_t task, std::size_t /*worker*/) {
    f(task / shape.n_kv_heads, task % shape.n_kv_heads);
  });
}

/// One head of one window.
template <class M>
M cut(M m, std::size_t at, std::size_t window, std::size_t head, std::size_t dim) {
  return m.rows_from(at * window, window).cols_from(head * dim, dim);
}

}  // namespace

template <class T>
void attention_forward(const ops::AttentionShape& shape,
                       std::size_t window,
                       const AttentionInputs<T>& in,
                       MatrixView<T> out,
                       ThreadPool& pool) {
  check(shape, window, in);
  const std::size_t dim = shape.head_dim;
  const std::size_t group = shape.n_heads / shape.n_kv_heads;
  for_each_task(shape, in.q.rows / window, pool, [&](std::size_t at, std::size_t kv) {
    for (std::size_t head = kv * group; head < (kv + 1) * group; ++head) {
      Head<T>(shape,
              cut(in.q, at, window, head, dim),
              cut(in.k, at, window, kv, dim),
              cut(in.v, at, window, kv, dim))
          .forward(cut(out, at, window, head, dim));
    }
  });
}

template <class T>
void attention_backward(const ops::AttentionShape& shape,
                        std::size_t window,
                        const AttentionInputs<T>& in,
                        const AttentionOutputs<T>& out,
                        const AttentionGradients<T>& gradients,
                        ThreadPool& pool) {
  check(shape, window, in);
  const std::size_t dim = shape.head_dim;
  const std::size_t group = shape.n_heads / shape.n_kv_heads;
  for_each_task(shape, in.q.rows / window, pool, [&](std::size_t at, std::size_t kv) {
    const auto dk = cut(gradients.k, at, window, kv, dim);
    const auto dv = cut(gradients.v, at, window, kv, dim);
    for (std::size_t t = 0; t < window; ++t) {
      std::ranges::fill(dk.row_span(t), T{0});
      std::ranges::fill(dv.row_span(t), T{0});
    }
    for (std::size_t head = kv * group; head < (kv + 1) * group; ++head) {
      Head<T>(shape,
              cut(in.q, at, window, head, dim),
              cut(in.k, at, window, kv, dim),
              cut(in.v, at, window, kv, dim))
          .backward(cut(out.out, at, window, head, dim),
                    cut(out.dout, at, window, head, dim),
                    {cut(gradients.q, at, window, head, dim), dk, dv});
    }
  });
}

template void attention_forward(const ops::AttentionShape&,
                                std::size_t,
                                const AttentionInputs<float>&,
                                MatrixView<float>,
                                ThreadPool&);
template void attention_backward(const ops::AttentionShape&,
                                 std::size_t,
                                 const AttentionInputs<float>&,
                                 const AttentionOutputs<float>&,
                                 const AttentionGradients<float>&,
                                 ThreadPool&);
template void attention_forward(const ops::AttentionShape&,
                                std::size_t,
                                const AttentionInputs<double>&,
                                MatrixView<double>,
                                ThreadPool&);
template void attention_backward(const ops::AttentionShape&,
                                 std::size_t,
                                 const AttentionInputs<double>&,
                                 const AttentionOutputs<double>&,
                                 const AttentionGradients<double>&,
                                 ThreadPool&);

}  // namespace nibble::quant
