#include "ops/device/linear.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/error.h"
#include "tensor/half.h"

namespace nibble::ops {
namespace {

using kernels::FragmentFormat;
using kernels::cuda::Epilogue;

constexpr std::size_t kHalfBytes = 2;

bool is_gated(Epilogue epilogue) {
  return epilogue == Epilogue::kGatedSilu || epilogue == Epilogue::kGatedGelu;
}

kernels::cuda::WeightView view_of(const kernels::Fragments& f) {
  kernels::cuda::WeightView view;
  view.format = static_cast<int>(f.format);
  view.rows = static_cast<int>(f.rows);
  view.cols = static_cast<int>(f.cols);
  view.n_row_tiles = static_cast<int>(f.n_row_tiles);
  view.n_col_tiles = static_cast<int>(f.n_col_tiles);
  view.group = static_cast<int>(f.group);
  view.n_groups = static_cast<int>(f.n_groups);
  view.zero = f.zero;
  std::ranges::copy(f.levels, view.levels);
  return view;
}

/// Memory of products of more tokens than a block holds.
void give_scratch(Device& device, kernels::cuda::LinearTask& task, LinearScratch& scratch) {
  if (task.n_tokens <= kernels::cuda::kStreamTokens || task.fixed_order) {
    return;
  }
  constexpr std::size_t kCounterBytes = kernels::cuda::kCounters * sizeof(unsigned);
  const bool is_new = scratch.counters.size() == 0;
  task.counters = reinterpret_cast<unsigned*>(scratch.counters.need(device, kCounterBytes));
  if (is_new) {
    device.clear(task.counters, kCounterBytes);
  }
  task.partial = reinterpret_cast<float*>(
      scratch.partial.need(device, kernels::cuda::kPartialFloats * sizeof(float)));
  task.arranged =
      scratch.arranged.need(device,
                            kernels::cuda::arranged_bytes(static_cast<std::size_t>(task.n_tokens),
                                                          static_cast<std::size_t>(task.w.cols)));
}

}  // namespace

DeviceLinear DeviceLinear::make(Device& device, const kernels::Fragments& weight) {
  DeviceLinear out;
  out.view_ = view_of(weight);
  out.codes_ = device.upload(std::span<const std::byte>(weight.codes));
  out.row_factors_ = device.upload(std::span<const float>(weight.row_factors));
  out.view_.codes = out.codes_.data();
  out.view_.row_factors = out.row_factors_.as<const float>();
  if (!weight.scales.empty()) {
    out.scales_ = device.upload(std::span<const std::uint16_t>(weight.scales));
    out.view_.scales = out.scales_.data();
  }
  if (!weight.offsets.empty()) {
    out.offsets_ = device.upload(std::span<const std::uint16_t>(weight.offsets));
    out.view_.offsets = out.offsets_.data();
  }
  out.n_bytes_ = out.buffer_bytes();
  return out;
}

DeviceLinear DeviceLinear::random(Device& device, const RandomMatrix& matrix) {
  kernels::Fragments f;
  f.format = matrix.format;
  f.rows = matrix.rows;
  f.cols = matrix.cols;
  f.n_row_tiles = ceil_div(matrix.rows, kernels::kFragmentRows);
  f.n_col_tiles = ceil_div(matrix.cols, kernels::kFragmentCols);
  const bool is_dense = matrix.format == FragmentFormat::kHalf;
  f.group = is_dense ? 0 : matrix.group;
  f.n_groups = is_dense ? 0 : ceil_div(matrix.cols, matrix.group);
  f.zero = matrix.format == FragmentFormat::kCode4 ? 8 : is_dense ? 0 : 128;
  for (std::size_t i = 0; i < f.levels.size(); ++i) {
    f.levels[i] = f32_to_f16((static_cast<float>(i) - 7.5F) / 7.5F);
  }
  DeviceLinear out;
  out.view_ = view_of(f);
  const auto& k = device.kernels();
  const std::size_t n_bytes = f.n_row_tiles * f.n_col_tiles * fragment_bytes(f.format);
  // The variance of a uniform weight times the columns is one.
  const float spread = std::sqrt(3.0F / static_cast<float>(matrix.cols));
  out.codes_ = device.allocate(n_bytes);
  if (is_dense) {
    k.random_halves(out.codes_.data(), n_bytes / kHalfBytes, spread, matrix.seed, device.stream());
  } else {
    k.random_bytes(out.codes_.data(), n_bytes, matrix.seed, device.stream());
    const std::size_t n_scales = f.n_row_tiles * f.n_groups * kernels::kFragmentRows;
    const float largest =
        matrix.format == FragmentFormat::kLut4 ? 1.0F : static_cast<float>(f.zero);
    out.scales_ = device.allocate(n_scales * kHalfBytes);
    k.random_halves(
        out.scales_.data(), n_scales, 1.7F * spread / largest, matrix.seed + 1, device.stream());
    out.view_.scales = out.scales_.data();
  }
  const std::vector<float> factors(f.n_row_tiles * kernels::kFragmentRows, 1.0F);
  out.row_factors_ = device.upload(std::span<const float>(factors));
  out.view_.codes = out.codes_.data();
  out.view_.row_factors = out.row_factors_.as<const float>();
  out.n_bytes_ = out.buffer_bytes();
  device.check("random weights");
  return out;
}

std::size_t DeviceLinear::block_bytes() const noexcept {
  std::size_t n_bytes = 0;
  for (const DeviceBuffer* piece : {&codes_, &scales_, &offsets_, &row_factors_}) {
    n_bytes += round_up(piece->size(), kBlockAlignment);
  }
  return n_bytes;
}

DeviceLinear DeviceLinear::moved_to_block(Device& device, std::byte* host, std::byte* block) const {
  NIBBLE_CHECK(codes_.data() != nullptr, "a device layer that has no memory cannot leave it");
  std::size_t at = 0;
  const auto move = [&](const DeviceBuffer& piece) -> std::byte* {
    if (piece.size() == 0) {
      return nullptr;
    }
    device.download(piece.data(), host + at, piece.size());
    std::byte* const place = block + at;
    at += round_up(piece.size(), kBlockAlignment);
    return place;
  };
  DeviceLinear out;
  out.view_ = view_;
  out.n_bytes_ = n_bytes_;
  out.view_.codes = move(codes_);
  out.view_.scales = move(scales_);
  out.view_.offsets = move(offsets_);
  out.view_.row_factors = reinterpret_cast<const float*>(move(row_factors_));
  return out;
}

std::size_t DeviceLinear::buffer_bytes() const noexcept {
  return codes_.size() + scales_.size() + offsets_.size() + row_factors_.size();
}

bool DeviceLinear::takes_arranged(const Device& device,
                                  std::size_t n_tokens,
                                  bool fixed_order) const {
  return n_tokens <= packed_tokens() &&
         device.kernels().takes_arranged(task_of({}, n_tokens, fixed_order));
}

std::string DeviceLinear::kernel(std::size_t n_tokens, bool fixed_order) const {
  static constexpr std::array<std::string_view, 4> kNames = {"half", "code4", "lut4", "code8"};
  const std::string_view name = kNames[static_cast<std::size_t>(view_.format)];
  if (fixed_order || n_tokens <= static_cast<std::size_t>(kernels::cuda::kStreamTokens)) {
    return fmt::format("{} stream", name);
  }
  return n_tokens <= packed_tokens() ? fmt::format("{} shared", name)
                                     : fmt::format("{} to half, cuBLASLt", name);
}

void DeviceLinear::apply(Device& device,
                         const DeviceRows& x,
                         const DeviceOutput& y,
                         bool fixed_order,
                         LinearScratch& scratch) const {
  if (x.stride < cols() || x.n_rows == 0) {
    raise(ErrorCode::kShapeMismatch,
          "a device layer of {} inputs: x has {} rows of {}",
          cols(),
          x.n_rows,
          x.stride);
  }
  if (!fixed_order && x.n_rows > packed_tokens()) {
    apply_dense(device, x, y, scratch);
    return;
  }
  kernels::cuda::LinearTask task = task_of(y, x.n_rows, fixed_order);
  task.x = x.data;
  task.x_stride = static_cast<int>(x.stride);
  give_scratch(device, task, scratch);
  if (x.is_arranged) {
    task.arranged = const_cast<void*>(x.data);
    task.is_arranged = true;
  }
  device.kernels().linear(task, device.stream());
}

void DeviceLinear::apply(Device& device,
                         const NormedRows& x,
                         const DeviceOutput& y,
                         bool fixed_order,
                         LinearScratch& scratch) const {
  kernels::cuda::LinearTask task = task_of(y, x.n_rows, fixed_order);
  task.x = x.data;
  task.x_stride = view_.cols;
  task.norm = x.weight;
  task.epsilon = x.epsilon;
  if (x.n_rows > 0 && device.kernels().takes_norm(task)) {
    device.kernels().linear(task, device.stream());
    return;
  }
  kernels::cuda::NormTask norm;
  norm.x = x.data;
  norm.weight = x.weight;
  norm.y = x.room;
  norm.n_rows = static_cast<int>(x.n_rows);
  norm.width = view_.cols;
  norm.epsilon = x.epsilon;
  norm.arranges = takes_arranged(device, x.n_rows, fixed_order);
  device.kernels().rms_norm(norm, device.stream());
  apply(device, {x.room, x.n_rows, cols(), norm.arranges}, y, fixed_order, scratch);
}

kernels::cuda::LinearTask DeviceLinear::task_of(const DeviceOutput& y,
                                                std::size_t n_tokens,
                                                bool fixed_order) const {
  kernels::cuda::LinearTask task;
  task.w = view_;
  task.y = y.data;
  task.y_stride = static_cast<int>(y.stride);
  task.n_tokens = static_cast<int>(n_tokens);
  task.epilogue = y.epilogue;
  task.arranges = y.arranges;
  task.fixed_order = fixed_order;
  return task;
}

void DeviceLinear::apply_dense(Device& device,
                               const DeviceRows& x,
                               const DeviceOutput& y,
                               LinearScratch& scratch) const {
  std::byte* const dense = scratch.weights.need(device, rows() * cols() * kHalfBytes);
  device.kernels().dequantize(view_, dense, device.stream());
  kernels::cuda::DenseTask task;
  task.w = dense;
  task.x = x.data;
  task.rows = view_.rows;
  task.cols = view_.cols;
  task.x_stride = static_cast<int>(x.stride);
  task.n_tokens = static_cast<int>(x.n_rows);
  task.float_out = y.epilogue == Epilogue::kAddFloat || y.epilogue == Epilogue::kFloat;
  task.add = y.epilogue == Epilogue::kAddFloat;
  task.y =
      is_gated(y.epilogue) ? scratch.gated.need(device, x.n_rows * rows() * kHalfBytes) : y.data;
  task.y_stride = is_gated(y.epilogue) ? view_.rows : static_cast<int>(y.stride);
  if (const char* problem = device.runtime().dense(task, device.stream())) {
    raise(ErrorCode::kDevice,
          "{}: a product of {} tokens with a matrix of {} x {}: {}",
          device.name(),
          x.n_rows,
          rows(),
          cols(),
          problem);
  }
  if (is_gated(y.epilogue)) {
    device.kernels().gate(task.y,
                          y.data,
                          view_.rows / 2,
                          task.n_tokens,
                          y.epilogue == Epilogue::kGatedGelu,
                          device.stream());
  }
}

}  // namespace nibble::ops
