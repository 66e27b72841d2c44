/// The weights of a decoder on a device.
///
/// q, k and v are one matrix, gate and up another whose rows take turns (interleaved_rows).
///
/// Precision  norms float32; the embedding binary16, as what it is added to is float32; linear
///            layers as kernels/fragments.h has them
/// Errors     kUnsupported for what the kernels of the device do not do, by name; those of the
///            weights and of Device
/// Source     our own
#pragma once

#include <cstddef>
#include <vector>

#include "model/config.h"
#include "model/weights/weight_loader.h"
#include "ops/device/linear.h"

namespace nibble::model {

struct DeviceLayer {
  ops::DeviceBuffer attention_norm, mlp_norm;  ///< float [hidden]
  ops::DeviceBuffer qkv_bias;                  ///< float, or nothing
  ops::DeviceBuffer q_norm, k_norm;            ///< float [head_dim], or nothing
  ops::DeviceBuffer inverse_frequency;         ///< float [head_dim / 2]
  ops::DeviceLinear qkv, o, gate_up, down;
};

struct DeviceWeights {
  ops::DeviceBuffer embedding;  ///< half [vocab][hidden]
  std::vector<DeviceLayer> layers;
  ops::DeviceBuffer final_norm;
  ops::DeviceLinear head;

  [[nodiscard]] std::size_t n_bytes() const noexcept;
};

/// kUnsupported with the reason when a model is none of the device's, in any arithmetic.
Result<void> check_device_support(const ModelConfig& config);

DeviceWeights load_device_weights(const ModelConfig& config,
                                  const WeightLoader& weights,
                                  ops::Device& device);

/// Random codes of one format, drawn on the device: the speed of a model without its file.
DeviceWeights random_device_weights(const ModelConfig& config,
                                    kernels::FragmentFormat format,
                                    std::size_t group,
                                    ops::Device& device);

}  // namespace nibble::model
