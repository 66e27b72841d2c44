#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_choice.cuh"

namespace nibble::kernels::cuda {

void linear_half(const LinearTask& task, Stream stream) {
  multiply_by_format<kFormatHalf>(task, stream);
}

bool takes_arranged(const LinearTask& task) {
  return !is_resident(task) && !is_streamed(task) && is_wide(task);
}

}  // namespace nibble::kernels::cuda
