/// Layers of a decoder that lie in the host's memory and are copied to the device for every pass.
///
/// Each has its place among a few slots of the device for good, so that the addresses of its
/// weights never change and passes can be recorded, copies and all. While one streamed layer is
/// computed the next is on its way.
///
///   begin_pass; for each layer: begin_layer, its products, end_layer
///
/// Layout     a layer's block: its four matrices one behind the other (DeviceLinear::block_bytes)
/// Threads    one host thread at a time
/// Errors     those of Device and CopyQueue
/// Source     our own; docs/decisions/0041-layers-from-host-memory.md
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "model/device/device_layer.h"
#include "ops/device/copy_queue.h"

namespace nibble::model {

class LayerStream {
 public:
  LayerStream(std::shared_ptr<ops::Device> device, std::size_t slot_bytes);

  /// Takes the matrices of a layer off the device. Layers are added in their order.
  void add(std::size_t index, DeviceLayer& layer);

  /// Queues the first copies.
  void begin_pass();
  /// Products that are queued from now on find the layer's weights; of other layers nothing.
  void begin_layer(std::size_t index);
  /// The layer's products are queued: its slot is the next layer's.
  void end_layer(std::size_t index);

  [[nodiscard]] std::size_t n_layers() const noexcept { return layers_.size(); }
  /// Page-locked memory of the host.
  [[nodiscard]] std::size_t host_bytes() const noexcept;
  /// How fast a layer is copied, in bytes a second; measured now.
  double measure_bus();

 private:
  struct HostLayer {
    std::size_t index = 0;  ///< among all layers
    std::shared_ptr<std::byte> block;
    std::size_t n_bytes = 0;
  };
  void copy(std::size_t number);
  /// The streamed layer that is to be computed next, if it is this one.
  [[nodiscard]] bool is_next(std::size_t index) const noexcept {
    return next_ < layers_.size() && layers_[next_].index == index;
  }

  std::shared_ptr<ops::Device> device_;
  std::size_t slot_bytes_;
  std::vector<ops::DeviceBuffer> slots_;
  std::vector<HostLayer> layers_;
  std::size_t next_ = 0;
  ops::CopyQueue queue_;  ///< the first to go
};

}  // namespace nibble::model
