/// Matrices of a quantization on a device: weights in float32, and codes of integer groups with
/// their parameters.
///
/// Shapes     weights [rows, cols]; codes [rows, cols], parameters [rows, n_groups]
/// Precision  codes decode as codec/int_group.h decodes them; errors are summed in float64, in an
///            order that depends on the shape alone
/// Errors     those of Device; kUnsupported names the weight and the position of what is not finite
/// Source     our own
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "codec/int_group.h"
#include "kernels/cuda/awq.h"
#include "kernels/cuda/quantize.h"
#include "ops/device/device.h"
#include "quant/matrix.h"

namespace nibble::quant {

/// The kernels; throws kDevice in a build without CUDA.
const kernels::cuda::QuantizeKernels& quantize_kernels();
const kernels::cuda::AwqKernels& awq_kernels();
/// Throws kDevice where a library reports a problem.
void require_done(const ops::Device& device, const char* problem);

struct DeviceMatrix {
  ops::DeviceBuffer values;  ///< float [rows][cols]
  std::size_t rows = 0;
  std::size_t cols = 0;

  [[nodiscard]] float* data() const noexcept { return values.as<float>(); }
  [[nodiscard]] std::size_t size() const noexcept { return rows * cols; }
};

/// Dense matrices go up as they are stored; others are decoded on the host.
DeviceMatrix upload_matrix(ops::Device& device,
                           const codec::EncodedMatrix& matrix,
                           ThreadPool& pool);

void require_finite(ops::Device& device, const DeviceMatrix& matrix, std::string_view name);

struct DeviceCodes {
  codec::IntGroupFormat format;
  std::size_t rows = 0;
  std::size_t cols = 0;
  ops::DeviceBuffer codes, scales, zeros;
  std::vector<std::uint32_t> order = {};  ///< input at each place where permuted, else empty
  ops::DeviceBuffer group_of = {};        ///< of each input where permuted

  /// Room for a matrix of that shape; groups in the natural order.
  static DeviceCodes make(ops::Device& device,
                          const codec::IntGroupFormat& format,
                          std::size_t rows,
                          std::size_t cols);
  [[nodiscard]] kernels::cuda::GroupedMatrix view() const;
};

/// The bits as the codec stores them, packed on the device.
codec::EncodedMatrix download_codes(ops::Device& device, const DeviceCodes& codes);
DeviceMatrix decode_codes(ops::Device& device, const DeviceCodes& codes);
SquaredError squared_error(ops::Device& device,
                           const DeviceMatrix& weight,
                           const DeviceCodes& codes);

}  // namespace nibble::quant
