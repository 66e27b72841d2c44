#include "kernels/cuda/awq.h"

namespace nibble::kernels::cuda {

const AwqKernels* awq_kernels() noexcept {
  return nullptr;
}

}  // namespace nibble::kernels::cuda
