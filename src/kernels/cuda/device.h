/// The CUDA devices of this machine. A program built without CUDA, or run without a driver, sees
/// none.
///
/// Errors     none: whatever keeps devices from being used is told by `cuda_status`
/// Source     CUDA Runtime API
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace nibble::kernels {

struct CudaDevice {
  std::string name;
  int compute_major = 0;
  int compute_minor = 0;
  std::size_t memory_bytes = 0;
  int n_multiprocessors = 0;
};

std::vector<CudaDevice> list_cuda_devices();
/// What other processes and this one have left of a device of the list; starts work on it, which
/// takes some memory and a moment.
std::optional<std::size_t> cuda_free_bytes(int index);

/// "built without CUDA", "CUDA 13.0", or why the runtime finds no device.
std::string cuda_status();

}  // namespace nibble::kernels
