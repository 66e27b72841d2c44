#include "ops/device/device.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/checked_math.h"
#include "base/error.h"
#include "kernels/cuda/device.h"

namespace nibble::ops {
namespace {

void require(const char* problem, std::string_view what) {
  if (problem != nullptr) {
    raise(ErrorCode::kDevice, "{}: {}", what, problem);
  }
}

double mebibytes(std::size_t n_bytes) {
  return static_cast<double>(n_bytes) / (1024.0 * 1024.0);
}

int device_index(std::string_view name) {
  constexpr std::string_view kFamily = "cuda";
  int index = 0;
  if (name == kFamily) {
    return index;
  }
  if (name.starts_with("cuda:")) {
    const std::string_view digits = name.substr(kFamily.size() + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error == std::errc() && end == digits.data() + digits.size() && index >= 0) {
      return index;
    }
  }
  raise(ErrorCode::kInvalidArgument, "device '{}': wanted cpu, cuda or cuda:N", name);
}

}  // namespace

std::shared_ptr<Device> Device::open(std::string_view name) {
  const int index = device_index(name);
  if (kernels::cuda::kernels() == nullptr) {
    raise(ErrorCode::kDevice, "device '{}': {}", name, kernels::cuda_status());
  }
  const std::size_t n_devices = kernels::list_cuda_devices().size();
  if (n_devices == 0) {
    raise(ErrorCode::kDevice, "device '{}': no GPU is usable: {}", name, kernels::cuda_status());
  }
  if (static_cast<std::size_t>(index) >= n_devices) {
    raise(ErrorCode::kDevice,
          "device '{}': {} {} usable, the last is cuda:{}",
          name,
          n_devices,
          n_devices == 1 ? "GPU is" : "GPUs are",
          n_devices - 1);
  }
  return std::shared_ptr<Device>(new Device(std::string(name), index));
}

Device::Device(std::string name, int index)
    : name_(std::move(name)),
      kernels_(*kernels::cuda::kernels()),
      runtime_(*kernels::cuda::runtime()),
      transfer_(*kernels::cuda::transfer()) {
  require(runtime_.open(index, &stream_), name_);
}

Device::~Device() {
  static_cast<void>(runtime_.synchronize(stream_));  // what was given back is free when it is gone
  static_cast<void>(runtime_.close(stream_));
}

std::size_t Device::free_bytes() const {
  std::size_t free = 0;
  std::size_t total = 0;
  require(runtime_.memory(&free, &total), name_);
  return std::min(free, left_of_limit());
}

std::size_t Device::left_of_limit() const {
  if (limit_bytes_ == 0) {
    return std::numeric_limits<std::size_t>::max();
  }
  std::size_t used = 0;
  std::size_t most = 0;
  require(transfer_.memory_in_use(&used, &most), name_);
  return limit_bytes_ - std::min(limit_bytes_, used);
}

std::size_t Device::most_bytes() const {
  std::size_t used = 0;
  std::size_t most = 0;
  require(transfer_.memory_in_use(&used, &most), name_);
  return most;
}

void Device::forget_most() {
  require(transfer_.forget_most(), name_);
}

DeviceBuffer Device::allocate(std::size_t n_bytes) {
  if (const std::size_t left = left_of_limit(); n_bytes > left) {
    raise(ErrorCode::kOutOfMemory,
          "{}: no {:.1f} MiB: {:.1f} of the {:.1f} MiB that are allowed are left",
          name_,
          mebibytes(n_bytes),
          mebibytes(left),
          mebibytes(limit_bytes_));
  }
  void* bytes = nullptr;
  if (const char* problem = runtime_.allocate(n_bytes, &bytes, stream_)) {
    static_cast<void>(runtime_.error());  // it is told here
    raise(ErrorCode::kOutOfMemory,
          "{}: no {:.1f} MiB: {}, {:.1f} MiB are free",
          name_,
          mebibytes(n_bytes),
          problem,
          mebibytes(free_bytes()));
  }
  DeviceBuffer out;
  out.n_bytes_ = n_bytes;
  out.bytes_ = std::shared_ptr<std::byte>(
      static_cast<std::byte*>(bytes), [self = shared_from_this()](std::byte* memory) {
        static_cast<void>(self->runtime_.release(memory, self->stream_));
      });
  return out;
}

DeviceBuffer Device::upload(std::span<const std::byte> host) {
  DeviceBuffer out = allocate(host.size());
  upload(host.data(), out.data(), host.size());
  synchronize();  // the caller's memory may go
  return out;
}

DeviceBuffer Device::upload(std::span<const std::byte> host, ThreadPool& pool) {
  constexpr std::size_t kPiece = std::size_t{32} << 20, kTask = std::size_t{1} << 20;
  DeviceBuffer out = allocate(host.size());
  if (staging_ == nullptr) {
    void* bytes = nullptr;
    require(runtime_.allocate_host(2 * kPiece, &bytes), name_);
    const auto release = runtime_.release_host;  // the device may be gone first
    staging_ = {static_cast<std::byte*>(bytes),
                [release](std::byte* memory) { static_cast<void>(release(memory)); }};
  }
  std::size_t turn = 0;
  for (std::size_t at = 0; at < host.size(); at += kPiece, turn = 1 - turn) {
    const auto piece = host.subspan(at, std::min(kPiece, host.size() - at));
    std::byte* const to = staging_.get() + turn * kPiece;
    pool.run(ceil_div(piece.size(), kTask), [&](std::size_t task, std::size_t /*worker*/) {
      const std::size_t first = task * kTask;
      std::memcpy(to + first, piece.data() + first, std::min(kTask, piece.size() - first));
    });
    synchronize();  // the piece before, whose place is the next one's
    upload(to, out.data() + at, piece.size());
  }
  synchronize();
  return out;
}

std::shared_ptr<std::byte> Device::allocate_host(std::size_t n_bytes) {
  void* bytes = nullptr;
  require(runtime_.allocate_host(n_bytes, &bytes), name_);
  return {static_cast<std::byte*>(bytes), [self = shared_from_this()](std::byte* memory) {
            static_cast<void>(self->runtime_.release_host(memory));
          }};
}

std::shared_ptr<std::byte> Device::allocate_locked(std::size_t n_bytes) {
  constexpr std::size_t kPage = 4096;
  const std::size_t n_whole = round_up(std::max<std::size_t>(n_bytes, 1), kPage);
  auto* const bytes = static_cast<std::byte*>(std::aligned_alloc(kPage, n_whole));
  if (bytes == nullptr) {
    raise(ErrorCode::kOutOfMemory, "no {:.1f} MiB of the host's memory", mebibytes(n_whole));
  }
  if (const char* problem = transfer_.lock_host(bytes, n_whole)) {
    std::free(bytes);
    static_cast<void>(runtime_.error());  // it is told here
    raise(ErrorCode::kOutOfMemory,
          "{}: no {:.1f} MiB of page-locked memory of the host: {}",
          name_,
          mebibytes(n_whole),
          problem);
  }
  return {bytes, [self = shared_from_this()](std::byte* memory) {
            static_cast<void>(self->transfer_.unlock_host(memory));
            std::free(memory);
          }};
}

void Device::upload(const void* host, void* device, std::size_t n_bytes) {
  require(runtime_.upload(host, device, n_bytes, stream_), name_);
}

void Device::download(const void* device, void* host, std::size_t n_bytes) {
  require(runtime_.download(device, host, n_bytes, stream_), name_);
  synchronize();
}

void Device::copy(const void* from, void* to, std::size_t n_bytes) {
  require(runtime_.copy(from, to, n_bytes, stream_), name_);
}

void Device::clear(void* bytes, std::size_t n_bytes) {
  require(runtime_.clear(bytes, n_bytes, stream_), name_);
}

void Device::synchronize() {
  require(runtime_.synchronize(stream_), name_);
}

void Device::check(std::string_view what) const {
  require(runtime_.error(), what);
}

std::byte* DeviceScratch::need(Device& device, std::size_t n_bytes) {
  if (buffer_.size() < n_bytes) {
    buffer_ = {};
    buffer_ = device.allocate(n_bytes);
  }
  return buffer_.data();
}

}  // namespace nibble::ops
