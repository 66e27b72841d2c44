#include "kernels/cuda/device.h"

namespace nibble::kernels {

std::vector<CudaDevice> list_cuda_devices() {
  return {};
}

std::string cuda_status() {
  return "built without CUDA";
}

}  // namespace nibble::kernels
