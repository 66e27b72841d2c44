/// Matrix products of halves on a device, with float32 sums.
///
/// Errors     kDevice where a library refuses one or is not there
/// Source     cuBLAS
#pragma once

#include <cstdint>

#include "kernels/cuda/autoround.h"
#include "ops/device/device.h"

namespace nibble::quant {

/// The kernels; throws kDevice in a build without CUDA.
const kernels::cuda::AutoroundKernels& autoround_kernels();

/// What becomes of a product.
enum class Into : std::uint8_t { kHalf, kFloat, kAddFloat };

/// y = x w^T without gaps: w half [rows][cols], x half [n_tokens][cols], y [n_tokens][rows].
void multiply_tokens(ops::Device& device,
                     const ops::DeviceBuffer& w,
                     const void* x,
                     void* y,
                     Into into,
                     std::size_t rows,
                     std::size_t cols,
                     std::size_t n_tokens);

void multiply_halves(ops::Device& device, const kernels::cuda::HalfProduct& product);

}  // namespace nibble::quant
