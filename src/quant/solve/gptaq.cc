#include "quant/solve/gptaq.h"

#include "base/check.h"
#include "quant/products.h"
#include "quant/solve/parallel_for.h"

namespace nibble::quant {

std::vector<float> asymmetry_moves(MatrixView<const double> cross,
                                   std::span<const std::uint32_t> order,
                                   MatrixView<const float> u,
                                   double alpha,
                                   ThreadPool& pool) {
  const std::size_t n = order.size();
  NIBBLE_CHECK(cross.rows == n && cross.cols == n && u.rows == n && u.cols == n,
               "asymmetry_moves: shapes");
  constexpr std::size_t kRowsPerTask = 32;
  std::vector<float> moves(n * n);  // D first
  std::vector<float> projected(n * n);
  const MatrixView<float> d(moves.data(), n, n);
  const MatrixView<float> t(projected.data(), n, n);
  parallel_for(pool, n, kRowsPerTask, [&](std::size_t p) {
    const double* row = cross.row(order[p]);
    for (std::size_t q = 0; q < n; ++q) {
      d(p, q) = static_cast<float>(alpha * row[order[q]]);
    }
  });
  product<float>(plain(d), transposed(u), 0.0F, t, pool);
  parallel_for(
      pool, n, kRowsPerTask, [&](std::size_t p) { std::fill(t.row(p), t.row(p) + p + 1, 0.0F); });
  product<float>(plain(t), plain(u), 0.0F, d, pool);
  return moves;
}

}  // namespace nibble::quant
