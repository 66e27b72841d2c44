#include "quant/linear_algebra.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/checked_math.h"
#include "quant/blas.h"
#include "quant/products.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kTile = 192;
/// Tokens of a run. Half as many cost a fifth more time, twice as many have nearly twice the error.
constexpr std::size_t kRun = 128;

struct Tile {
  std::size_t begin, size;
};

Tile tile_of(std::size_t index, std::size_t n) {
  const std::size_t begin = index * kTile;
  return {begin, std::min(kTile, n - begin)};
}

void add_widened(MatrixView<const float> run, MatrixView<double> sum) {
  for (std::size_t r = 0; r < sum.rows; ++r) {
    double* out = sum.row(r);
    for (std::size_t c = 0; c < sum.cols; ++c) {
      out[c] += double{run(r, c)};
    }
  }
}

void add_tile(
    MatrixView<const float> x, MatrixView<const float> y, Tile i, Tile j, MatrixView<double> sum) {
  std::vector<float> values(i.size * j.size);
  const MatrixView<float> run(values.data(), i.size, j.size);
  for (std::size_t first = 0; first < x.rows; first += kRun) {
    const std::size_t n = std::min(kRun, x.rows - first);
    product<float>(transposed(x.rows_from(first, n).cols_from(i.begin, i.size)),
                   plain(y.rows_from(first, n).cols_from(j.begin, j.size)),
                   0.0F,
                   run);
    add_widened(run, sum.rows_from(i.begin, i.size).cols_from(j.begin, j.size));
  }
}

}  // namespace

void add_gram(MatrixView<const float> x, MatrixView<double> sum, ThreadPool& pool) {
  NIBBLE_CHECK(sum.rows == x.cols && sum.cols == x.cols, "add_gram: shapes");
  const std::size_t n_tiles = ceil_div(x.cols, kTile);
  std::vector<std::pair<std::size_t, std::size_t>> tiles;
  for (std::size_t i = 0; i < n_tiles; ++i) {
    for (std::size_t j = i; j < n_tiles; ++j) {
      tiles.emplace_back(i, j);
    }
  }
  pool.run(tiles.size(), [&](std::size_t task, std::size_t /*worker*/) {
    add_tile(x, x, tile_of(tiles[task].first, x.cols), tile_of(tiles[task].second, x.cols), sum);
  });
}

void add_cross(MatrixView<const float> a,
               MatrixView<const float> b,
               MatrixView<double> sum,
               ThreadPool& pool) {
  NIBBLE_CHECK(a.rows == b.rows && a.cols == b.cols && sum.rows == a.cols && sum.cols == a.cols,
               "add_cross: shapes");
  const std::size_t n_tiles = ceil_div(a.cols, kTile);
  pool.run(n_tiles * n_tiles, [&](std::size_t task, std::size_t /*worker*/) {
    add_tile(a, b, tile_of(task / n_tiles, a.cols), tile_of(task % n_tiles, a.cols), sum);
  });
}

void mirror_upper(MatrixView<double> a) noexcept {
  for (std::size_t r = 1; r < a.rows; ++r) {
    for (std::size_t c = 0; c < r; ++c) {
      a(r, c) = a(c, r);
    }
  }
}

bool factor_inverse(MatrixView<double> a) {
  NIBBLE_CHECK(a.rows == a.cols && a.stride == a.cols, "factor_inverse: a square without gaps");
  if (a.rows == 0) {
    return true;
  }
  const int n = blas_int(a.rows);
  const std::size_t size = a.rows * a.cols;
  std::reverse(a.data, a.data + size);  // rows and columns in reverse order
  int failed = 0;
  {
    // LAPACK's upper triangle, by columns, is our lower one by rows: a = L L^T, then inverse(L).
    const BlasCall slot;
    blas().dpotrf("U", &n, a.data, &n, &failed);
    if (failed == 0) {
      blas().dtrtri("U", "N", &n, a.data, &n, &failed);
    }
  }
  if (failed != 0) {
    return false;
  }
  std::reverse(a.data, a.data + size);
  for (std::size_t r = 1; r < a.rows; ++r) {
    std::fill(a.row(r), a.row(r) + r, 0.0);
  }
  return true;
}

double weighted_square(MatrixView<const float> d, MatrixView<const float> h, ThreadPool& pool) {
  constexpr std::size_t kRows = 32;
  std::vector<double> sums(ceil_div(d.rows, kRows));
  pool.run(sums.size(), [&](std::size_t task, std::size_t /*worker*/) {
    const std::size_t first = task * kRows;
    const auto rows = d.rows_from(first, std::min(kRows, d.rows - first));
    std::vector<float> product(rows.rows * d.cols);  // minus d h
    subtract_product(rows, h, {product.data(), rows.rows, d.cols});
    for (std::size_t r = 0; r < rows.rows; ++r) {
      for (std::size_t c = 0; c < d.cols; ++c) {
        sums[task] -=
            static_cast<double>(rows(r, c)) * static_cast<double>(product[r * d.cols + c]);
      }
    }
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

void subtract_product(MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> c) {
  NIBBLE_CHECK(a.rows == c.rows && a.cols == b.rows && b.cols == c.cols,
               "subtract_product: shapes");
  if (c.rows == 0 || c.cols == 0 || a.cols == 0) {
    return;
  }
  const BlasCall slot;
  blas().sgemm(CblasRowMajor,
               CblasNoTrans,
               CblasNoTrans,
               blas_int(c.rows),
               blas_int(c.cols),
               blas_int(a.cols),
               -1.0F,
               a.data,
               blas_int(a.stride),
               b.data,
               blas_int(b.stride),
               1.0F,
               c.data,
               blas_int(c.stride));
}

}  // namespace nibble::quant
