#include "kernels/cuda/device.h"

namespace nibble::kernels {

std::vector<CudaDevice> list_cuda_devices() {
  return {};
}

std::optional<std::size_t> cuda_free_bytes(int /*index*/) {
  return std::nullopt;
}

std::string cuda_status() {
  return "built without CUDA";
}

}  // namespace nibble::kernels
