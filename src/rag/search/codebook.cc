#include "rag/search/codebook.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "base/cancel.h"
#include "base/check.h"
#include "codec/dense.h"
#include "ops/elementwise.h"

namespace nibble::rag {
namespace {

constexpr int kIterations = 10;
/// Points that share one pass over the centroids.
constexpr std::size_t kPoints = 128;

ops::Linear product_layer(const std::vector<float>& centroids, std::size_t dims, ThreadPool& pool) {
  const std::size_t n = centroids.size() / dims;
  return ops::Linear::make(
      codec::dense_matrix(Tensor::from(DType::kF32, {n, dims}, std::span<const float>(centroids))),
      {},
      Arithmetic::kF32,
      pool);
}

/// `size` different points, in the order in which they are drawn.
std::vector<float> some_points(MatrixView<const float> points,
                               std::size_t size,
                               std::uint64_t seed) {
  std::vector<std::size_t> order(points.rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(seed);
  std::vector<float> out;
  for (std::size_t i = 0; i < size; ++i) {
    std::swap(order[i], order[i + random() % (points.rows - i)]);
    const auto point = points.row_span(order[i]);
    out.insert(out.end(), point.begin(), point.end());
  }
  return out;
}

/// The means of the points that belong to each centroid, in the order of the points.
class Means {
 public:
  Means(std::size_t size, std::size_t dims) : dims_(dims), sums_(size * dims), counts_(size) {}

  void add(std::span<const float> point, std::size_t c) {
    ++counts_[c];
    for (std::size_t d = 0; d < dims_; ++d) {
      sums_[c * dims_ + d] += double{point[d]};
    }
  }
  std::vector<float> take() {
    std::vector<float> out(sums_.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t count = counts_[i / dims_];
      out[i] = count == 0 ? 0.0F : static_cast<float>(sums_[i] / static_cast<double>(count));
    }
    for (std::size_t c = 0; c < counts_.size(); ++c) {
      if (counts_[c] == 0) {
        split_largest(out, c);
      }
    }
    return out;
  }

 private:
  void split_largest(std::vector<float>& means, std::size_t into) {
    constexpr float kApart = 1.0F / 1024.0F;
    const auto largest = std::ranges::max_element(counts_);
    const auto from = static_cast<std::size_t>(largest - counts_.begin());
    for (std::size_t d = 0; d < dims_; ++d) {
      const float sign = d % 2 == 0 ? kApart : -kApart;
      means[into * dims_ + d] = means[from * dims_ + d] * (1.0F + sign);
      means[from * dims_ + d] *= 1.0F - sign;
    }
    counts_[into] = *largest / 2;
    *largest -= counts_[into];
  }

  std::size_t dims_;
  std::vector<double> sums_;
  std::vector<std::size_t> counts_;
};

}  // namespace

Codebook::Codebook(std::vector<float> centroids, std::size_t dims, ThreadPool& pool)
    : centroids_(std::move(centroids)),
      dims_(dims),
      half_norms_(centroids_.size() / dims),
      products_(product_layer(centroids_, dims, pool)) {
  for (std::size_t i = 0; i < half_norms_.size(); ++i) {
    const auto c = centroid(i);
    half_norms_[i] = std::inner_product(c.begin(), c.end(), c.begin(), 0.0F) / 2.0F;
  }
}

Codebook Codebook::train(MatrixView<const float> points,
                         std::size_t size,
                         std::uint64_t seed,
                         ThreadPool& pool) {
  NIBBLE_CHECK(points.rows > 0 && size > 0, "Codebook::train: nothing to learn");
  const std::size_t n = std::min(size, points.rows);
  Codebook out(some_points(points, n, seed), points.cols, pool);
  std::vector<std::uint32_t> owners(points.rows);
  for (int iteration = 0; iteration < kIterations && n < points.rows; ++iteration) {
    cancel_flag().check();
    out.nearest(points, owners, pool);
    Means means(n, points.cols);
    for (std::size_t i = 0; i < points.rows; ++i) {
      means.add(points.row_span(i), owners[i]);
    }
    out = Codebook(means.take(), points.cols, pool);
  }
  return out;
}

void Codebook::nearest(MatrixView<const float> points,
                       std::span<std::uint32_t> out,
                       ThreadPool& pool) const {
  std::vector<float> scores(std::min(kPoints, points.rows) * size());
  for (std::size_t first = 0; first < points.rows; first += kPoints) {
    const auto some = points.rows_from(first, std::min(kPoints, points.rows - first));
    const MatrixView<float> y(scores.data(), some.rows, size());
    products_.apply(some, y, pool);
    pool.run(some.rows, [&](std::size_t i, std::size_t /*worker*/) {
      const auto row = y.row_span(i);
      for (std::size_t c = 0; c < row.size(); ++c) {
        row[c] -= half_norms_[c];
      }
      out[first + i] = static_cast<std::uint32_t>(ops::argmax(row));
    });
  }
}

}  // namespace nibble::rag
