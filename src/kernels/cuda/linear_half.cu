#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_stream.cuh"

namespace nibble::kernels::cuda {

void linear_half(const LinearTask& task, Stream stream) {
  launch_for_tokens<kFormatHalf, false, 1>(task, stream);
}

}  // namespace nibble::kernels::cuda
