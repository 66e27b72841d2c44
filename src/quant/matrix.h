/// What is done to a whole matrix around a method: decoding it, refusing what is not finite,
/// measuring the error.
///
/// Precision  sums in float64, within a row and then over rows in order: equal for any number of
///            threads
/// Threads    split by rows over the pool
/// Errors     `require_finite` throws Error(kUnsupported) with the name and the position
/// Source     our own
#pragma once

#include <cmath>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "codec/codec.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

/// [rows, cols] in float32.
std::vector<float> decode_matrix(const codec::EncodedMatrix& matrix, ThreadPool& pool);

void require_finite(MatrixView<const float> weights, std::string_view name);

struct SquaredError {
  double difference = 0;  ///< |W - decoded|^2
  double weight = 0;      ///< |W|^2
  [[nodiscard]] double relative() const {
    return weight > 0 ? std::sqrt(difference / weight) : 0.0;
  }
};

SquaredError squared_error(MatrixView<const float> weights,
                           const codec::EncodedMatrix& encoded,
                           ThreadPool& pool);

/// The objective of second-order methods, sum over rows of d H d^T with d = w - decoded.
double weighted_error(MatrixView<const float> weights,
                      const codec::EncodedMatrix& encoded,
                      MatrixView<const double> second_moment,
                      ThreadPool& pool);

}  // namespace nibble::quant
