#include "model/device/layer_stream.h"

#include <algorithm>

#include "base/check.h"
#include "model/device/stream_plan.h"

namespace nibble::model {

LayerStream::LayerStream(std::shared_ptr<ops::Device> device, std::size_t slot_bytes)
    : device_(std::move(device)), slot_bytes_(slot_bytes), queue_(device_, kStreamSlots) {
  for (std::size_t slot = 0; slot < kStreamSlots; ++slot) {
    slots_.push_back(device_->allocate(slot_bytes_));
  }
}

void LayerStream::add(std::size_t index, DeviceLayer& layer) {
  HostLayer held;
  held.index = index;
  held.n_bytes = layer.block_bytes();
  NIBBLE_CHECK(held.n_bytes <= slot_bytes_, "a streamed layer is larger than its slot");
  held.block = device_->allocate_locked(held.n_bytes);
  std::byte* const slot = slots_[layers_.size() % kStreamSlots].data();
  std::size_t at = 0;
  for (ops::DeviceLinear* matrix : {&layer.qkv, &layer.o, &layer.gate_up, &layer.down}) {
    const std::size_t n_bytes = matrix->block_bytes();
    *matrix = matrix->moved_to_block(*device_, held.block.get() + at, slot + at);
    at += n_bytes;
  }
  layers_.push_back(std::move(held));
}

void LayerStream::copy(std::size_t number) {
  const HostLayer& layer = layers_[number];
  const std::size_t slot = number % kStreamSlots;
  queue_.copy(layer.block.get(), slots_[slot].data(), layer.n_bytes, slot);
}

void LayerStream::begin_pass() {
  next_ = 0;
  queue_.begin();
  for (std::size_t number = 0; number < std::min(kStreamSlots, layers_.size()); ++number) {
    copy(number);
  }
}

void LayerStream::begin_layer(std::size_t index) {
  if (is_next(index)) {
    queue_.await(next_ % kStreamSlots);
  }
}

void LayerStream::end_layer(std::size_t index) {
  if (!is_next(index)) {
    return;
  }
  const std::size_t following = next_ + kStreamSlots;
  if (following < layers_.size()) {
    queue_.release(next_ % kStreamSlots);
    copy(following);
  }
  ++next_;
}

std::size_t LayerStream::host_bytes() const noexcept {
  std::size_t n_bytes = 0;
  for (const HostLayer& layer : layers_) {
    n_bytes += layer.n_bytes;
  }
  return n_bytes;
}

double LayerStream::measure_bus() {
  const HostLayer& layer = layers_.front();
  return queue_.measure(layer.block.get(), slots_.front().data(), layer.n_bytes);
}

}  // namespace nibble::model
