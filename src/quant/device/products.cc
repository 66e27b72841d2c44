#include "quant/device/products.h"

#include "base/error.h"

namespace nibble::quant {

const kernels::cuda::AutoroundKernels& autoround_kernels() {
  const auto* const found = kernels::cuda::autoround_kernels();
  if (found == nullptr) {
    raise(ErrorCode::kDevice, "quantizing on a device: built without CUDA");
  }
  return *found;
}

void multiply_tokens(ops::Device& device,
                     const ops::DeviceBuffer& w,
                     const void* x,
                     void* y,
                     Into into,
                     std::size_t rows,
                     std::size_t cols,
                     std::size_t n_tokens) {
  const kernels::cuda::DenseTask task{.w = w.data(),
                                      .x = x,
                                      .y = y,
                                      .rows = static_cast<int>(rows),
                                      .cols = static_cast<int>(cols),
                                      .x_stride = static_cast<int>(cols),
                                      .y_stride = static_cast<int>(rows),
                                      .n_tokens = static_cast<int>(n_tokens),
                                      .float_out = into != Into::kHalf,
                                      .add = into == Into::kAddFloat};
  if (const char* problem = device.runtime().dense(task, device.stream())) {
    raise(ErrorCode::kDevice, "{}: {}", device.name(), problem);
  }
}

void multiply_halves(ops::Device& device, const kernels::cuda::HalfProduct& product) {
  if (const char* problem = autoround_kernels().multiply(product, device.stream())) {
    raise(ErrorCode::kDevice, "{}: {}", device.name(), problem);
  }
}

}  // namespace nibble::quant
