/// Centroids of vectors, learned by k-means, and the nearest of them for others.
///
///   nearest(x) = argmin over c of |x - c|^2 = argmax of x . c - |c|^2 / 2
///
/// Shapes     points [n, dims]; centroids [size, dims]
/// Layout     a view's rows may lie apart, so a part of the columns can be learned in place
/// Precision  float32 products, sums of means in float64; the same bits for any number of threads
/// Threads    one call at a time; splits over the pool
/// Errors     kCancelled from `train`
/// Source     Lloyd 1982; an empty cluster takes half of the largest, as FAISS does
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "ops/linear.h"
#include "tensor/matrix_view.h"

namespace nibble::rag {

class Codebook {
 public:
  /// Of `centroids` [size, dims], size > 0.
  Codebook(std::vector<float> centroids, std::size_t dims, ThreadPool& pool);
  /// As many as `size`, or as there are points. `seed` chooses the first ones.
  static Codebook train(MatrixView<const float> points,
                        std::size_t size,
                        std::uint64_t seed,
                        ThreadPool& pool);

  [[nodiscard]] std::size_t size() const noexcept { return half_norms_.size(); }
  [[nodiscard]] std::span<const float> centroids() const noexcept { return centroids_; }
  [[nodiscard]] std::span<const float> centroid(std::size_t i) const noexcept {
    return std::span(centroids_).subspan(i * dims_, dims_);
  }
  /// |c|^2 / 2 of each.
  [[nodiscard]] std::span<const float> half_norms() const noexcept { return half_norms_; }
  /// y = x . c for all of them: x [n, dims], y [n, size].
  void multiply(MatrixView<const float> x, MatrixView<float> y, ThreadPool& pool) const {
    products_.apply(x, y, pool);
  }
  /// The number of the nearest centroid of each point.
  void nearest(MatrixView<const float> points,
               std::span<std::uint32_t> out,
               ThreadPool& pool) const;

 private:
  std::vector<float> centroids_;
  std::size_t dims_;
  std::vector<float> half_norms_;
  ops::Linear products_;
};

}  // namespace nibble::rag
