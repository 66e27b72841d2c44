#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_stream.cuh"

namespace nibble::kernels::cuda {

void linear_code4(const LinearTask& task, Stream stream) {
  launch_for_groups<kFormatCode4>(task, stream);
}

}  // namespace nibble::kernels::cuda
