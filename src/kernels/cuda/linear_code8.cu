#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_stream.cuh"

namespace nibble::kernels::cuda {

void linear_code8(const LinearTask& task, Stream stream) {
  launch_for_groups<kFormatCode8>(task, stream);
}

}  // namespace nibble::kernels::cuda
