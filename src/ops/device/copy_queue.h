/// Copies from page-locked memory of the host to slots of a device, beside the device's work.
///
///   begin; copy(0), copy(1); await(0); work that reads slot 0; release(0); copy(0); await(1); ...
///
/// The copies have a queue of their own. A copy waits until the work that read its slot is over,
/// work behind `await` waits until the slot's copy is there, and the host waits for neither. What
/// is queued while the device's queue is recorded becomes part of the recording, with the waits as
/// its edges; whoever recorded it must have awaited every copy.
///
/// Units      bytes
/// Threads    one host thread at a time
/// Errors     kDevice with what the driver says
/// Source     our own; streams and events of the CUDA Runtime API
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "ops/device/device.h"

namespace nibble::ops {

class CopyQueue {
 public:
  CopyQueue(std::shared_ptr<Device> device, std::size_t n_slots);
  /// Waits for what is queued.
  ~CopyQueue();
  CopyQueue(const CopyQueue&) = delete;
  CopyQueue& operator=(const CopyQueue&) = delete;

  /// All slots are free behind what the device was given so far.
  void begin();
  void copy(const void* host, void* device, std::size_t n_bytes, std::size_t slot);
  /// What the device is given from now on runs when the slot's last copy is there.
  void await(std::size_t slot);
  /// What the device was given so far is the last to read the slot's present content.
  void release(std::size_t slot);
  /// Bytes a second of one such copy, the best of three; nothing else may be queued.
  double measure(const void* host, void* device, std::size_t n_bytes);

 private:
  struct Slot {
    void* copied = nullptr;  ///< event of the queue of copies
    void* read = nullptr;    ///< event of the device's queue
  };
  void require(const char* problem) const;

  std::shared_ptr<Device> device_;
  kernels::cuda::Stream copies_ = nullptr;
  void* begun_ = nullptr;
  std::vector<Slot> slots_;
  DeviceBuffer mark_;  ///< see `await`
};

}  // namespace nibble::ops
