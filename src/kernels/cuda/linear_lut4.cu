#include "kernels/cuda/launches.cuh"
#include "kernels/cuda/linear_stream.cuh"

namespace nibble::kernels::cuda {

void linear_lut4(const LinearTask& task, Stream stream) {
  launch_for_groups<kFormatLut4>(task, stream);
}

}  // namespace nibble::kernels::cuda
