#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_shared.cuh"

namespace nibble::kernels::cuda {

void linear_code4(const LinearTask& task, Stream stream) {
  is_streamed(task) ? launch_for_groups<kFormatCode4>(task, stream)
                    : launch_shared<kFormatCode4>(task, stream);
}

}  // namespace nibble::kernels::cuda
