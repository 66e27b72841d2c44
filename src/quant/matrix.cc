#include "quant/matrix.h"

#include <algorithm>
#include <numeric>

#include "quant/solve/parallel_for.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kRowsPerTask = 16;

double square(double x) {
  return x * x;
}

}  // namespace

std::vector<float> decode_matrix(const codec::EncodedMatrix& matrix, ThreadPool& pool) {
  std::vector<float> out(matrix.rows * matrix.cols);
  parallel_for(pool, matrix.rows, kRowsPerTask, [&](std::size_t r) {
    matrix.codec->decode_rows(matrix, r, 1, out.data() + r * matrix.cols);
  });
  return out;
}

void require_finite(MatrixView<const float> weights, std::string_view name) {
  for (std::size_t r = 0; r < weights.rows; ++r) {
    const auto row = weights.row_span(r);
    const auto bad = std::ranges::find_if_not(row, [](float w) { return std::isfinite(w); });
    if (bad != row.end()) {
      raise(ErrorCode::kUnsupported,
            "{}: the weight at row {}, column {} is {}; only finite weights can be quantized",
            name,
            r,
            bad - row.begin(),
            *bad);
    }
  }
}

SquaredError squared_error(MatrixView<const float> weights,
                           const codec::EncodedMatrix& encoded,
                           ThreadPool& pool) {
  std::vector<SquaredError> rows(weights.rows);
  parallel_for(pool, weights.rows, kRowsPerTask, [&](std::size_t r) {
    std::vector<float> decoded(weights.cols);
    encoded.codec->decode_rows(encoded, r, 1, decoded.data());
    const auto row = weights.row_span(r);
    for (std::size_t c = 0; c < row.size(); ++c) {
      rows[r].difference += square(static_cast<double>(row[c]) - static_cast<double>(decoded[c]));
      rows[r].weight += square(static_cast<double>(row[c]));
    }
  });
  SquaredError out;
  for (const SquaredError& row : rows) {
    out.difference += row.difference;
    out.weight += row.weight;
  }
  return out;
}

double weighted_error(MatrixView<const float> weights,
                      const codec::EncodedMatrix& encoded,
                      MatrixView<const double> second_moment,
                      ThreadPool& pool) {
  std::vector<double> rows(weights.rows);
  parallel_for(pool, weights.rows, 1, [&](std::size_t r) {
    std::vector<float> decoded(weights.cols);
    encoded.codec->decode_rows(encoded, r, 1, decoded.data());
    std::vector<double> d(weights.cols);
    for (std::size_t c = 0; c < d.size(); ++c) {
      d[c] = static_cast<double>(weights(r, c)) - static_cast<double>(decoded[c]);
    }
    for (std::size_t c = 0; c < d.size(); ++c) {
      const auto h = second_moment.row_span(c);
      rows[r] += d[c] * std::inner_product(d.begin(), d.end(), h.begin(), 0.0);
    }
  });
  return std::accumulate(rows.begin(), rows.end(), 0.0);
}

}  // namespace nibble::quant
