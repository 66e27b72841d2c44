#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_choice.cuh"

namespace nibble::kernels::cuda {

void linear_code8(const LinearTask& task, Stream stream) {
  multiply_by_format<kFormatCode8>(task, stream);
}

}  // namespace nibble::kernels::cuda
