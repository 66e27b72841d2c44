/// AutoRound on a device; solve/autoround.h says what it does.
///
/// Windows, rates and what is kept are those of the host (solve/autoround_loop.h).
///
/// Shapes     as device_block_solver.h
/// Precision  device/block_gradient.h and device/rounding.h: gradients beside the host's are some
///            2^-10 of their size apart, so that small ones may have the other sign; what the block
///            gives is tuned as far, by other codes
/// Errors     those of Device; kUnsupported for a weight of a block that is no linear layer, and
///            where the loss is not finite; kCancelled between steps
/// Source     solve/autoround.h
#pragma once

#include <vector>

#include "quant/device_block_solver.h"
#include "quant/solve/autoround_loop.h"

namespace nibble::quant {

struct DeviceAutoround : AutoroundTrace {
  std::vector<DeviceCodes> codes;  ///< in the order of the weights
};

DeviceAutoround autoround_on(const DeviceBlockInput& input,
                             const AutoroundSettings& settings,
                             FunctionRef<void(double)> done);

/// Of a matrix for itself: the nearest codes on the method's grid.
DeviceCodes autoround_start_on(ops::Device& device,
                               const DeviceMatrix& weight,
                               const codec::IntGroupFormat& format);

/// Bytes that a block of that model needs beside the tokens and its weights in binary16.
std::size_t autoround_bytes_on(const model::ModelConfig& config, std::size_t window);

/// A power of two that brings the gradients of errors up to `largest` to where binary16 is dense,
/// with room above for what products make of them.
float gradient_factor(double largest);

}  // namespace nibble::quant
