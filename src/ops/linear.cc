#include "ops/linear.h"

#include <algorithm>

#include "base/checked_math.h"
#include "base/error.h"
#include "kernels/reference/linear.h"

namespace nibble::ops {

struct Linear::Impl {
  std::size_t rows = 0;
  std::size_t cols = 0;
  Tensor values;
  std::vector<float> bias;

  [[nodiscard]] MatrixView<const float> weight() const {
    return {values.as<float>().data(), rows, cols};
  }
};

namespace {

constexpr std::size_t kTaskRows = 64;

void check_operands(const Linear& layer, MatrixView<const float> x, MatrixView<float> y) {
  if (x.cols != layer.cols() || y.cols != layer.rows() || x.rows != y.rows) {
    raise(ErrorCode::kShapeMismatch,
          "linear [{}, {}]: x is [{}, {}] and y is [{}, {}]",
          layer.rows(),
          layer.cols(),
          x.rows,
          x.cols,
          y.rows,
          y.cols);
  }
}

}  // namespace

Linear::Linear(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;

Linear Linear::make(const codec::EncodedMatrix& weight,
                    std::vector<float> bias,
                    Arithmetic /*arithmetic*/,
                    ThreadPool& pool) {
  if (!bias.empty() && bias.size() != weight.rows) {
    raise(ErrorCode::kShapeMismatch, "linear: {} biases for {} rows", bias.size(), weight.rows);
  }
  auto impl = std::make_unique<Impl>();
  impl->rows = weight.rows;
  impl->cols = weight.cols;
  impl->bias = std::move(bias);
  impl->values = Tensor::make(DType::kF32, {weight.rows, weight.cols});
  float* out = impl->values.mutable_as<float>().data();
  pool.run(ceil_div(weight.rows, kTaskRows), [&](std::size_t task, std::size_t /*worker*/) {
    const std::size_t first = task * kTaskRows;
    const std::size_t n = std::min(kTaskRows, weight.rows - first);
    weight.codec->decode_rows(weight, first, n, out + first * weight.cols);
  });
  return Linear(std::move(impl));
}

std::size_t Linear::rows() const noexcept {
  return impl_->rows;
}
std::size_t Linear::cols() const noexcept {
  return impl_->cols;
}
std::size_t Linear::packed_bytes() const noexcept {
  return impl_->values.bytes().size();
}
std::string Linear::kernel() const {
  return "f32_reference";
}

void Linear::apply(MatrixView<const float> x, MatrixView<float> y, ThreadPool& pool) const {
  check_operands(*this, x, y);
  pool.run(ceil_div(impl_->rows, kTaskRows), [&](std::size_t task, std::size_t /*worker*/) {
    const std::size_t first = task * kTaskRows;
    const std::size_t n = std::min(kTaskRows, impl_->rows - first);
    kernels::reference::linear(impl_->weight().rows_from(first, n), x, y.cols_from(first, n));
    if (!impl_->bias.empty()) {
      for (std::size_t t = 0; t < y.rows; ++t) {
        for (std::size_t r = first; r < first + n; ++r) {
          y(t, r) += impl_->bias[r];
        }
      }
    }
  });
}

void Linear::gather_rows(std::span<const std::int32_t> ids, MatrixView<float> out) const {
  if (out.rows != ids.size() || out.cols != impl_->cols) {
    raise(ErrorCode::kShapeMismatch,
          "linear [{}, {}]: gather of {} rows into [{}, {}]",
          impl_->rows,
          impl_->cols,
          ids.size(),
          out.rows,
          out.cols);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || static_cast<std::size_t>(ids[i]) >= impl_->rows) {
      raise(ErrorCode::kShapeMismatch, "linear: row {} of {}", ids[i], impl_->rows);
    }
    std::ranges::copy(impl_->weight().row_span(static_cast<std::size_t>(ids[i])), out.row(i));
  }
}

void apply_all(std::span<const Linear* const> layers,
               MatrixView<const float> x,
               std::span<const MatrixView<float>> ys,
               ThreadPool& pool) {
  if (layers.size() != ys.size()) {
    raise(ErrorCode::kShapeMismatch, "apply_all: {} layers, {} outputs", layers.size(), ys.size());
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i]->apply(x, ys[i], pool);
  }
}

}  // namespace nibble::ops
