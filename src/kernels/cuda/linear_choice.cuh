/// Which kernel multiplies, by the number of tokens, what the device has, and whether the order of
/// sums is fixed.
///
/// Source     our own; docs/kernels.md
#pragma once

#include "kernels/cuda/linear_resident.cuh"
#include "kernels/cuda/linear_shared.cuh"
#include "kernels/cuda/linear_wide.cuh"

namespace nibble::kernels::cuda {

template <int kFormat>
void multiply_by_format(const LinearTask& task, Stream stream) {
  if (launch_resident_format<kFormat>(task, stream)) {
    return;
  }
  if (is_streamed(task)) {
    launch_streams<kFormat>(task, stream);
  } else if (is_wide(task)) {
    launch_wide<kFormat>(task, stream);
  } else if (shared_stages<kFormat>(device_limits.block_bytes) >= 2) {
    launch_shared<kFormat>(task, stream);
  } else {
    launch_streams<kFormat>(task, stream);
  }
}

}  // namespace nibble::kernels::cuda
