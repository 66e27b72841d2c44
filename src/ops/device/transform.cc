#include "ops/device/transform.h"

#include "base/error.h"

namespace nibble::ops {

DeviceTransform::DeviceTransform(Device& device,
                                 std::size_t n_cols,
                                 const std::optional<Hadamard>& hadamard,
                                 const TokenRounding& rounding) {
  task_.n_cols = static_cast<int>(n_cols);
  if (hadamard) {
    if (n_cols % hadamard->n != 0) {
      raise(ErrorCode::kShapeMismatch, "hadamard of {}: x has {} columns", hadamard->n, n_cols);
    }
    task_.n = static_cast<int>(hadamard->n);
    task_.base = static_cast<int>(hadamard->base);
    task_.block = static_cast<int>(hadamard->block);
    task_.run = static_cast<int>(hadamard->run);
    task_.scale = hadamard->scale;
    if (hadamard->base > 1) {
      signs_ = device.upload(std::span<const float>(hadamard->signs));
      task_.signs = signs_.as<const float>();
    }
  }
  task_.bits = static_cast<int>(rounding.bits);
  task_.clip = rounding.clip;
  task_.outliers = rounding.outliers;
  const auto most = static_cast<std::size_t>(device.kernels().most_transformed());
  if (is_on() && n_cols > most) {
    raise(ErrorCode::kUnsupported,
          "{} rotates and rounds activations of up to {} columns, not of {}; --device cpu does",
          device.name(),
          most,
          n_cols);
  }
}

void DeviceTransform::apply(Device& device, void* x, std::size_t n_rows, std::size_t stride) const {
  if (!is_on() || n_rows == 0) {
    return;
  }
  kernels::cuda::TransformTask task = task_;
  task.x = x;
  task.n_rows = static_cast<int>(n_rows);
  task.stride = static_cast<int>(stride);
  device.kernels().transform_rows(task, device.stream());
}

}  // namespace nibble::ops
