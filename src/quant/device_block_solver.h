/// A method that chooses the codes of several weights of a decoder block together, on a device:
/// block_solver.h there.
///
/// Such a method is a DeviceSolver whose `device_block_solver` is not null.
///
/// Shapes     inputs, targets float [n_tokens][hidden] on the device, whole windows of `window`
/// Precision  device/autoround.h says how it may differ from the host
/// Errors     those of Device; kCancelled between steps
/// Source     our own
#pragma once

#include <span>
#include <vector>

#include "base/function_ref.h"
#include "quant/block_solver.h"
#include "quant/device/block.h"
#include "quant/device_solver.h"

namespace nibble::quant {

struct DeviceBlockInput {
  ops::Device& device;
  DeviceBlock& block;  ///< weights that are not solved for stay; those that are may change
  std::size_t layer = 0;
  const float* inputs = nullptr;
  const float* targets = nullptr;  ///< what the block should make of them
  std::size_t n_tokens = 0, window = 0;
  std::span<const BlockWeight> weights = {};
};

class DeviceBlockSolver {
 public:
  virtual ~DeviceBlockSolver() = default;

  /// Bytes on the device beside the tokens and the block.
  [[nodiscard]] virtual std::size_t block_bytes(const model::ModelConfig& config,
                                                std::size_t window) const = 0;
  /// One solution for each weight. `done` hears what part of the work, from 0 to 1, is done.
  [[nodiscard]] virtual std::vector<DeviceSolved> solve_block_on(
      const DeviceBlockInput& input, FunctionRef<void(double)> done) const = 0;
};

}  // namespace nibble::quant
