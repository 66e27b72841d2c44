/// What changes rows of activations on a device before a product: a Hadamard transform, rounding
/// token by token, or both, one after the other.
///
/// Shapes     x half [rows, cols], in place
/// Precision  float32 between reading and writing binary16; sums in the order of the host's
/// Errors     kUnsupported: rows wider than a block of the device can hold; kShapeMismatch: columns
///            that are no multiple of the transform
/// Source     ops/hadamard.h, ops/token_rounding.h
#pragma once

#include <optional>

#include "ops/device/device.h"
#include "ops/hadamard.h"
#include "ops/token_rounding.h"

namespace nibble::ops {

class DeviceTransform {
 public:
  /// Changes nothing.
  DeviceTransform() = default;
  /// Of rows of `n_cols`.
  DeviceTransform(Device& device,
                  std::size_t n_cols,
                  const std::optional<Hadamard>& hadamard,
                  const TokenRounding& rounding);

  [[nodiscard]] bool is_on() const noexcept { return task_.n > 0 || task_.bits > 0; }
  /// Rows `stride` apart; nothing when it is not on.
  void apply(Device& device, void* x, std::size_t n_rows, std::size_t stride) const;

 private:
  kernels::cuda::TransformTask task_;
  DeviceBuffer signs_;
};

}  // namespace nibble::ops
