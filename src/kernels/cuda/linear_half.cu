#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_shared.cuh"

namespace nibble::kernels::cuda {

void linear_half(const LinearTask& task, Stream stream) {
  is_streamed(task) ? launch_for_tokens<kFormatHalf, false, 1>(task, stream)
                    : launch_shared<kFormatHalf>(task, stream);
}

}  // namespace nibble::kernels::cuda
