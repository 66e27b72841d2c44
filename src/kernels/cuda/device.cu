#include <cuda_runtime_api.h>

#include "kernels/cuda/device.h"

namespace nibble::kernels {

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

std::string cuda_status() {
  int n_devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&n_devices);
  if (error != cudaSuccess) {
    return cudaGetErrorString(error);
  }
  int version = 0;
  cudaRuntimeGetVersion(&version);
  return "CUDA " + std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace nibble::kernels
