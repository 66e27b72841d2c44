#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_shared.cuh"

namespace nibble::kernels::cuda {

void linear_code8(const LinearTask& task, Stream stream) {
  is_streamed(task) ? launch_for_groups<kFormatCode8>(task, stream)
                    : launch_shared<kFormatCode8>(task, stream);
}

}  // namespace nibble::kernels::cuda
