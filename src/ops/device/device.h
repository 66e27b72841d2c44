/// One accelerator: its memory, its queue of work, and the kernels that run there.
///
/// Everything is queued in order; the host waits in `synchronize` and `download`.
///
/// Units      bytes
/// Threads    one host thread at a time
/// Errors     open: kInvalidArgument for a name that is none ("cuda:0" is one), kDevice for a build
///            without CUDA, a machine without a driver or such a device; allocate and
///            allocate_locked: kOutOfMemory with the sizes; others: kDevice with what the driver
///            says
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/thread_pool.h"
#include "kernels/cuda/exact/exact.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/mass.h"
#include "kernels/cuda/transfer.h"

namespace nibble::ops {

class Device;

/// Memory of a device; it goes back with the last of its owners.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  [[nodiscard]] std::byte* data() const noexcept { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return n_bytes_; }
  template <class T>
  [[nodiscard]] T* as() const noexcept {
    return reinterpret_cast<T*>(bytes_.get());
  }

 private:
  friend class Device;
  std::shared_ptr<std::byte> bytes_;
  std::size_t n_bytes_ = 0;
};

class Device : public std::enable_shared_from_this<Device> {
 public:
  /// "cuda:0"; "cuda" is the first.
  static std::shared_ptr<Device> open(std::string_view name);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] kernels::cuda::Stream stream() const noexcept { return stream_; }
  [[nodiscard]] const kernels::cuda::Kernels& kernels() const noexcept { return kernels_; }
  [[nodiscard]] const kernels::cuda::Runtime& runtime() const noexcept { return runtime_; }
  [[nodiscard]] const kernels::cuda::Transfer& transfer() const noexcept { return transfer_; }

  /// What may still be allocated: free on the device, and left of a limit.
  [[nodiscard]] std::size_t free_bytes() const;
  /// Lets this process have no more of the device than that; 0: all of it.
  void set_limit(std::size_t n_bytes) noexcept { limit_bytes_ = n_bytes; }
  /// What this process has allocated at most since `forget_most`, by any of its Devices.
  [[nodiscard]] std::size_t most_bytes() const;
  void forget_most();
  /// Content unspecified.
  DeviceBuffer allocate(std::size_t n_bytes);
  DeviceBuffer upload(std::span<const std::byte> host);
  template <class T>
  DeviceBuffer upload(std::span<const T> host) {
    return upload(std::as_bytes(host));
  }
  /// The same for much that is pages of a file: the threads of the pool copy it to page-locked
  /// memory, a piece ahead of what is on its way.
  DeviceBuffer upload(std::span<const std::byte> host, ThreadPool& pool);
  /// Page-locked memory of the host, which copies faster and need not be waited for.
  std::shared_ptr<std::byte> allocate_host(std::size_t n_bytes);
  /// The same out of the process's own memory, so that it counts as resident there: for much.
  std::shared_ptr<std::byte> allocate_locked(std::size_t n_bytes);

  void upload(const void* host, void* device, std::size_t n_bytes);
  /// Returns when the bytes are there.
  void download(const void* device, void* host, std::size_t n_bytes);
  void copy(const void* from, void* to, std::size_t n_bytes);
  void clear(void* bytes, std::size_t n_bytes);
  void synchronize();
  /// Throws what launches since the last check failed with.
  void check(std::string_view what) const;

 private:
  Device(std::string name, int index);
  [[nodiscard]] std::size_t left_of_limit() const;

  std::string name_;
  const kernels::cuda::Kernels& kernels_;
  const kernels::cuda::Runtime& runtime_;
  const kernels::cuda::Transfer& transfer_;
  kernels::cuda::Stream stream_ = nullptr;
  std::size_t limit_bytes_ = 0;
  std::shared_ptr<std::byte> staging_;  ///< of the uploads in pieces; made by the first
};

/// A buffer that grows: its content is lost when it does.
class DeviceScratch {
 public:
  std::byte* need(Device& device, std::size_t n_bytes);
  [[nodiscard]] std::size_t size() const noexcept { return buffer_.size(); }

 private:
  DeviceBuffer buffer_;
};

}  // namespace nibble::ops
