#include <cuda_runtime_api.h>

#include "kernels/cuda/device.h"

namespace nibble::kernels {
namespace {

std::string version_text(int version) {
  return "CUDA " + std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

std::vector<CudaDevice> list_cuda_devices() {
  int n_devices = 0;
  if (cudaGetDeviceCount(&n_devices) != cudaSuccess) {
    return {};
  }
  std::vector<CudaDevice> devices;
  for (int i = 0; i < n_devices; ++i) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) == cudaSuccess) {
      devices.push_back({properties.name,
                         properties.major,
                         properties.minor,
                         properties.totalGlobalMem,
                         properties.multiProcessorCount});
    }
  }
  return devices;
}

std::optional<std::size_t> cuda_free_bytes(int index) {
  int before = 0;
  std::size_t free = 0, total = 0;
  if (cudaGetDevice(&before) != cudaSuccess || cudaSetDevice(index) != cudaSuccess) {
    return std::nullopt;
  }
  const bool is_known = cudaMemGetInfo(&free, &total) == cudaSuccess;
  cudaSetDevice(before);
  return is_known ? std::optional(free) : std::nullopt;
}

std::string cuda_status() {
  int n_devices = 0, version = 0, driver = 0;
  const cudaError_t error = cudaGetDeviceCount(&n_devices);
  cudaRuntimeGetVersion(&version);
  if (error == cudaErrorInsufficientDriver) {  // also where there is none
    cudaDriverGetVersion(&driver);
    return driver == 0 ? "no NVIDIA driver is installed"
                       : "the NVIDIA driver is of " + version_text(driver) +
                             ", this program wants " + version_text(version);
  }
  return error == cudaSuccess ? version_text(version) : cudaGetErrorString(error);
}

}  // namespace nibble::kernels
