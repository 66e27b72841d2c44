#include "ops/elementwise.h"

#include "kernels/select.h"
#include "ops/rows.h"

namespace nibble::ops {
void rms_norm(MatrixView<const float> x,
              std::span<const float> weight,
              float epsilon,
              MatrixView<float> y,
              ThreadPool& pool) {
  require_same_shape("rms_norm", x.rows, x.cols, y);
  if (weight.size() != x.cols) {
    raise(ErrorCode::kShapeMismatch,
          "rms_norm: the weight has {} elements, rows have {}",
          weight.size(),
          x.cols);
  }
  const auto kernel = kernels::kernels().elementwise->rms_norm;
  for_each_row(x.rows, x.cols, pool, [&](std::size_t r) {
    kernel(x.row(r), weight.data(), epsilon, y.row(r), x.cols);
  });
}

void add_in_place(MatrixView<const float> x, MatrixView<float> y, ThreadPool& pool) {
  require_same_shape("add_in_place", x.rows, x.cols, y);
  const auto kernel = kernels::kernels().elementwise->add;
  for_each_row(x.rows, x.cols, pool, [&](std::size_t r) { kernel(x.row(r), y.row(r), x.cols); });
}

void gate_in_place(GateActivation activation,
                   MatrixView<float> gate,
                   MatrixView<const float> up,
                   ThreadPool& pool) {
  require_same_shape("gate_in_place", up.rows, up.cols, gate);
  const auto& set = *kernels::kernels().elementwise;
  const auto kernel = activation == GateActivation::kSilu ? set.gate_silu : set.gate_gelu;
  for_each_row(gate.rows, gate.cols, pool, [&](std::size_t r) {
    kernel(gate.row(r), up.row(r), gate.cols);
  });
}

std::int32_t argmax(std::span<const float> x) noexcept {
  return x.empty() ? 0
                   : static_cast<std::int32_t>(
                         kernels::kernels().elementwise->argmax(x.data(), x.size()));
}

}  // namespace nibble::ops
