/// The weights of a decoder on a device in float32, for `f32` arithmetic: what the codecs decode
/// to, nothing rounded.
///
/// Layout     float [rows][cols]; q, k and v are one matrix, gate and up another, the second's rows
///            behind the first's. A tied head is the embedding's memory.
/// Errors     those of the weights and of Device
/// Source     our own; docs/decisions/0043-f32-on-a-device.md
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "model/config.h"
#include "model/weights/weight_loader.h"
#include "ops/device/device.h"

namespace nibble::model {

struct ExactMatrix {
  ops::DeviceBuffer values;
  std::size_t rows = 0, cols = 0;
};

struct ExactLayer {
  ops::DeviceBuffer attention_norm, mlp_norm;  ///< float [hidden]
  ops::DeviceBuffer qkv_bias;                  ///< float, or nothing
  ops::DeviceBuffer q_norm, k_norm;            ///< float [head_dim], or nothing
  ops::DeviceBuffer inverse_frequency;         ///< float [head_dim / 2]
  ExactMatrix qkv, o, gate_up, down;
};

struct ExactWeights {
  ExactMatrix embedding, head;  ///< [vocab][hidden]
  std::vector<ExactLayer> layers;
  ops::DeviceBuffer final_norm;

  [[nodiscard]] std::size_t n_bytes() const noexcept;
};

/// kUnsupported, by name, for what the kernels of `f32` arithmetic do not do.
Result<void> check_exact_support(const ModelConfig& config);

ExactWeights load_exact_weights(const ModelConfig& config,
                                const WeightLoader& weights,
                                ops::Device& device);

}  // namespace nibble::model
