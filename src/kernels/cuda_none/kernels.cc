#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

const Kernels* kernels() noexcept {
  return nullptr;
}

const Runtime* runtime() noexcept {
  return nullptr;
}

}  // namespace nibble::kernels::cuda
