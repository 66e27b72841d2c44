/// Builds the layers of a family one by one and tells the progress sink.
///
/// Errors     those of the weights; kCancelled between layers
/// Source     our own
#pragma once

#include <cstddef>
#include <vector>

#include "base/cancel.h"
#include "model/config.h"
#include "model/weights/weight_loader.h"

namespace nibble::model {

/// `Layer` is constructible from (config, weights, index).
template <class Layer>
std::vector<Layer> load_layers(const ModelConfig& config, const WeightLoader& weights) {
  std::vector<Layer> layers;
  layers.reserve(config.n_layers);
  for (std::size_t index = 0; index < config.n_layers; ++index) {
    cancel_flag().check();
    layers.emplace_back(config, weights, index);
    weights.progress().advance(1);
  }
  return layers;
}

/// Bytes of all packed matrices; `Layer` has an attention and an mlp block.
template <class Layer>
std::size_t packed_bytes(const std::vector<Layer>& layers) noexcept {
  std::size_t n_bytes = 0;
  for (const Layer& layer : layers) {
    n_bytes += layer.attention.packed_bytes() + layer.mlp.packed_bytes();
  }
  return n_bytes;
}

}  // namespace nibble::model
