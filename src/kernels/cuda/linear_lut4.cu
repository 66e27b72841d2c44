#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_shared.cuh"

namespace nibble::kernels::cuda {

void linear_lut4(const LinearTask& task, Stream stream) {
  is_streamed(task) ? launch_for_groups<kFormatLut4>(task, stream)
                    : launch_shared<kFormatLut4>(task, stream);
}

}  // namespace nibble::kernels::cuda
