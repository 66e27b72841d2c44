#include "ops/encoder_elementwise.h"

#include "base/error.h"
#include "kernels/select.h"
#include "ops/rows.h"

namespace nibble::ops {

void layer_norm(MatrixView<const float> x,
                std::span<const float> weight,
                std::span<const float> bias,
                float epsilon,
                MatrixView<float> y,
                ThreadPool& pool) {
  require_same_shape("layer_norm", x.rows, x.cols, y);
  if (weight.size() != x.cols || bias.size() != x.cols) {
    raise(ErrorCode::kShapeMismatch,
          "layer_norm: weight and bias have {} and {} elements, rows have {}",
          weight.size(),
          bias.size(),
          x.cols);
  }
  const auto kernel = kernels::kernels().elementwise->layer_norm;
  for_each_row(x.rows, x.cols, pool, [&](std::size_t r) {
    kernel(x.row(r), weight.data(), bias.data(), epsilon, y.row(r), x.cols);
  });
}

void gelu_in_place(MatrixView<float> x, ThreadPool& pool) {
  const auto kernel = kernels::kernels().elementwise->gelu;
  for_each_row(x.rows, x.cols, pool, [&](std::size_t r) { kernel(x.row(r), x.cols); });
}

}  // namespace nibble::ops
