/// The weights of a decoder on a device, or with some layers in the host's memory.
///
/// Precision  the embedding is binary16, as what it is added to is float32
/// Errors     kUnsupported for what the kernels of the device do not do, by name; those of the
///            weights and of Device
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/config.h"
#include "model/device/device_layer.h"
#include "model/device/layer_stream.h"
#include "model/device/stream_plan.h"
#include "model/weights/weight_loader.h"
#include "ops/device/linear.h"

namespace nibble::model {

struct DeviceWeights {
  ops::DeviceBuffer embedding;  ///< half [vocab][hidden]
  std::vector<DeviceLayer> layers;
  std::unique_ptr<LayerStream> stream;  ///< of layers that do not stay; nullptr: all do
  ops::DeviceBuffer final_norm;
  ops::DeviceLinear head;

  /// Of all layers, wherever they lie.
  [[nodiscard]] std::size_t n_bytes() const noexcept;
};

/// kUnsupported with the reason when a model or an arithmetic is none of the device's.
Result<void> check_device_support(const ModelConfig& config, Arithmetic arithmetic);

/// `plan` says which layers go to the host's memory.
DeviceWeights load_device_weights(const ModelConfig& config,
                                  const WeightLoader& weights,
                                  const StreamPlan& plan,
                                  ops::Device& device);

/// Random codes of one format, drawn on the device: the speed of a model without its file.
DeviceWeights random_device_weights(const ModelConfig& config,
                                    kernels::FragmentFormat format,
                                    std::size_t group,
                                    ops::Device& device);
/// The same with the layers in the host's memory that `is_streamed` [layers] says.
DeviceWeights random_device_weights(const ModelConfig& config,
                                    kernels::FragmentFormat format,
                                    std::size_t group,
                                    std::span<const std::uint8_t> is_streamed,
                                    ops::Device& device);

}  // namespace nibble::model
