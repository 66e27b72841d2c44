#include "ops/device/copy_queue.h"

#include <algorithm>

#include "base/error.h"

namespace nibble::ops {

CopyQueue::CopyQueue(std::shared_ptr<Device> device, std::size_t n_slots)
    : device_(std::move(device)), slots_(n_slots) {
  const auto& runtime = device_->runtime();
  mark_ = device_->allocate(sizeof(int));
  require(device_->transfer().make_stream(&copies_));
  require(runtime.make_event(&begun_));
  for (Slot& slot : slots_) {
    require(runtime.make_event(&slot.copied));
    require(runtime.make_event(&slot.read));
  }
}

CopyQueue::~CopyQueue() {
  const auto& runtime = device_->runtime();
  static_cast<void>(runtime.synchronize(copies_));
  for (const Slot& slot : slots_) {
    static_cast<void>(device_->transfer().release_event(slot.copied));
    static_cast<void>(device_->transfer().release_event(slot.read));
  }
  static_cast<void>(device_->transfer().release_event(begun_));
  static_cast<void>(runtime.close(copies_));
}

void CopyQueue::require(const char* problem) const {
  if (problem != nullptr) {
    raise(ErrorCode::kDevice, "{}: copies from the host: {}", device_->name(), problem);
  }
}

void CopyQueue::begin() {
  require(device_->runtime().record_event(begun_, device_->stream()));
  require(device_->transfer().wait_event(begun_, copies_));
}

void CopyQueue::copy(const void* host, void* device, std::size_t n_bytes, std::size_t slot) {
  require(device_->runtime().upload(host, device, n_bytes, copies_));
  require(device_->runtime().record_event(slots_[slot].copied, copies_));
}

void CopyQueue::await(std::size_t slot) {
  require(device_->transfer().wait_event(slots_[slot].copied, device_->stream()));
  // A product reads weights before the kernel in front of it has ended (a dependent launch); it
  // must not do so before the copy has, so what is in front of it is no kernel.
  device_->clear(mark_.data(), mark_.size());
}

void CopyQueue::release(std::size_t slot) {
  require(device_->runtime().record_event(slots_[slot].read, device_->stream()));
  require(device_->transfer().wait_event(slots_[slot].read, copies_));
}

double CopyQueue::measure(const void* host, void* device, std::size_t n_bytes) {
  constexpr int kRounds = 3;
  const auto& runtime = device_->runtime();
  void* const from = slots_.front().copied;
  void* const to = slots_.front().read;
  float least_ms = 0;
  for (int round = 0; round < kRounds; ++round) {
    begin();
    require(runtime.record_event(from, copies_));
    require(runtime.upload(host, device, n_bytes, copies_));
    require(runtime.record_event(to, copies_));
    require(runtime.synchronize(copies_));
    float ms = 0;
    require(runtime.elapsed_ms(from, to, &ms));
    least_ms = round == 0 ? ms : std::min(least_ms, ms);
  }
  return least_ms > 0 ? static_cast<double>(n_bytes) / (1e-3 * static_cast<double>(least_ms)) : 0;
}

}  // namespace nibble::ops
