#include "quant/device/rounding.h"

#include "base/check.h"
#include "quant/device/products.h"

namespace nibble::quant {

DeviceRounding::DeviceRounding(ops::Device& device,
                               DeviceMatrix weight,
                               const codec::IntGroupFormat& format,
                               Place place)
    : device_(device),
      w_(std::move(weight)),
      best_(DeviceCodes::make(device, format, w_.rows, w_.cols)),
      place_(place),
      offsets_(device.allocate(w_.size() * sizeof(float))) {
  NIBBLE_CHECK(format.zero != codec::ZeroKind::kFloat, "a format with an integer zero");
  const std::vector<float> ones(w_.rows * format.n_groups(w_.cols), 1.0F);
  low_ = device.upload(std::span<const float>(ones));
  high_ = device.upload(std::span<const float>(ones));
  device.clear(offsets_.data(), offsets_.size());
  keep();
}

std::size_t DeviceRounding::bytes_needed(std::size_t rows, std::size_t cols, std::size_t group) {
  // Weights, offsets and codes; factors, scales and zeros.
  return rows * cols * (2 * sizeof(float) + 1) + rows * (cols / group + 1) * 4 * sizeof(float);
}

void DeviceRounding::run(kernels::cuda::RoundingTask task) {
  task.best = best_.view();
  task.is_symmetric = best_.format.zero == codec::ZeroKind::kMiddle;
  task.w = w_.data();
  task.offsets = offsets_.as<float>();
  task.low_factors = low_.as<float>();
  task.high_factors = high_.as<float>();
  task.decoded = place_.decoded;
  task.first = static_cast<int>(place_.first);
  task.turn = static_cast<int>(place_.turn);
  if (w_.size() > 0) {
    autoround_kernels().round_step(task, device_.stream());
  }
}

void DeviceRounding::step(const float* gradient, const StepSizes& sizes, Keep keep) {
  kernels::cuda::RoundingTask task;
  task.gradient = gradient;
  task.rounding = sizes.rounding;
  task.range = sizes.range;
  task.keeps = keep == Keep::kYes;
  run(task);
}

void DeviceRounding::keep() {
  kernels::cuda::RoundingTask task;
  task.keeps = true;
  run(task);
}

}  // namespace nibble::quant
