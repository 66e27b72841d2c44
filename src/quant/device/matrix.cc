#include "quant/device/matrix.h"

#include <limits>
#include <optional>

#include "base/error.h"
#include "codec/bit_stream.h"

namespace nibble::quant {
namespace {

using kernels::cuda::SourceType;

/// How the values of a dense matrix lie on the device; nothing for other codecs and types.
std::optional<SourceType> source_type(const codec::EncodedMatrix& matrix) {
  const Tensor* values = matrix.part("values");
  if (values == nullptr || matrix.parts.size() != 1) {
    return std::nullopt;
  }
  switch (values->dtype()) {
    case DType::kF32:
      return SourceType::kFloat;
    case DType::kF16:
      return SourceType::kHalf;
    case DType::kBF16:
      return SourceType::kBFloat;
    default:
      return std::nullopt;
  }
}

/// A part of a codec out of bytes of the device.
Tensor download_part(ops::Device& device,
                     const ops::DeviceBuffer& from,
                     DType dtype,
                     std::size_t rows,
                     std::size_t cols) {
  Tensor out = Tensor::make(dtype, {rows, cols});
  device.download(from.data(), out.mutable_bytes().data(), out.mutable_bytes().size());
  return out;
}

/// Parameters as the codec stores them.
Tensor download_parameters(ops::Device& device,
                           const DeviceCodes& codes,
                           const ops::DeviceBuffer& values,
                           DType dtype) {
  const std::size_t n_groups = codes.format.n_groups(codes.cols);
  const std::size_t n = codes.rows * n_groups;
  if (dtype == DType::kF32) {
    return download_part(device, values, dtype, codes.rows, n_groups);
  }
  const ops::DeviceBuffer narrow = device.allocate(n * dtype_bytes(dtype));
  if (dtype == DType::kF16) {
    device.kernels().to_half(values.as<const float>(), narrow.data(), n, device.stream());
  } else {
    quantize_kernels().to_bytes(
        values.as<const float>(), narrow.as<std::uint8_t>(), n, device.stream());
  }
  return download_part(device, narrow, dtype, codes.rows, n_groups);
}

}  // namespace

const kernels::cuda::QuantizeKernels& quantize_kernels() {
  const auto* const found = kernels::cuda::quantize_kernels();
  if (found == nullptr) {
    raise(ErrorCode::kDevice, "quantizing on a device: built without CUDA");
  }
  return *found;
}

const kernels::cuda::AwqKernels& awq_kernels() {
  const auto* const found = kernels::cuda::awq_kernels();
  if (found == nullptr) {
    raise(ErrorCode::kDevice, "quantizing on a device: built without CUDA");
  }
  return *found;
}

void require_done(const ops::Device& device, const char* problem) {
  if (problem != nullptr) {
    raise(ErrorCode::kDevice, "{}: {}", device.name(), problem);
  }
}

DeviceMatrix upload_matrix(ops::Device& device,
                           const codec::EncodedMatrix& matrix,
                           ThreadPool& pool) {
  DeviceMatrix out{
      device.allocate(matrix.rows * matrix.cols * sizeof(float)), matrix.rows, matrix.cols};
  const auto type = source_type(matrix);
  if (!type) {
    const std::vector<float> values = decode_matrix(matrix, pool);
    device.upload(values.data(), out.data(), values.size() * sizeof(float));
    device.synchronize();  // the values go
    return out;
  }
  const ops::DeviceBuffer stored = device.upload(matrix.part("values")->bytes(), pool);
  quantize_kernels().widen(stored.data(), *type, out.data(), out.size(), device.stream());
  return out;
}

void require_finite(ops::Device& device, const DeviceMatrix& matrix, std::string_view name) {
  constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t at = kNone;
  const ops::DeviceBuffer found = device.upload(std::span<const std::uint64_t>(&at, 1));
  quantize_kernels().find_not_finite(
      matrix.data(), matrix.size(), found.as<std::uint64_t>(), device.stream());
  device.download(found.data(), &at, sizeof at);
  if (at != kNone) {
    raise(ErrorCode::kUnsupported,
          "{}: the weight at row {}, column {} is not finite; only finite weights can be quantized",
          name,
          at / matrix.cols,
          at % matrix.cols);
  }
}

DeviceCodes DeviceCodes::make(ops::Device& device,
                              const codec::IntGroupFormat& format,
                              std::size_t rows,
                              std::size_t cols) {
  const std::size_t parameter_bytes = rows * format.n_groups(cols) * sizeof(float);
  return {format,
          rows,
          cols,
          device.allocate(rows * cols),
          device.allocate(parameter_bytes),
          device.allocate(parameter_bytes)};
}

kernels::cuda::GroupedMatrix DeviceCodes::view() const {
  return {.rows = static_cast<int>(rows),
          .cols = static_cast<int>(cols),
          .group = static_cast<int>(format.group_of(cols)),
          .n_groups = static_cast<int>(format.n_groups(cols)),
          .bits = static_cast<int>(format.bits),
          .half_parameters = format.parameters == DType::kF16,
          .codes = codes.as<std::uint8_t>(),
          .scales = scales.as<float>(),
          .zeros = zeros.as<float>(),
          .group_of = group_of.as<const std::uint32_t>()};
}

codec::EncodedMatrix download_codes(ops::Device& device, const DeviceCodes& codes) {
  const std::size_t row_bytes = codec::packed_bytes(codes.cols, codes.format.bits);
  const ops::DeviceBuffer packed = device.allocate(codes.rows * row_bytes);
  const ops::DeviceBuffer order = codes.order.empty()
                                      ? ops::DeviceBuffer()
                                      : device.upload(std::span<const std::uint32_t>(codes.order));
  quantize_kernels().pack(codes.view(),
                          order.as<const std::uint32_t>(),
                          packed.as<std::uint8_t>(),
                          row_bytes,
                          device.stream());
  codec::EncodedMatrix out;
  out.codec = codec::int_group_codec(codes.format);
  out.rows = codes.rows;
  out.cols = codes.cols;
  out.parts.push_back({"codes", download_part(device, packed, DType::kU8, codes.rows, row_bytes)});
  out.parts.push_back(
      {"scales", download_parameters(device, codes, codes.scales, codes.format.parameters)});
  if (codes.format.zero != codec::ZeroKind::kMiddle) {
    const DType dtype =
        codes.format.zero == codec::ZeroKind::kInteger ? DType::kU8 : codes.format.parameters;
    out.parts.push_back({"zeros", download_parameters(device, codes, codes.zeros, dtype)});
  }
  if (codes.format.is_permuted) {
    const std::vector<std::int32_t> inputs(codes.order.begin(), codes.order.end());
    out.parts.push_back({"order", Tensor::from<std::int32_t>(DType::kI32, {codes.cols}, inputs)});
  }
  device.check("quantized codes");
  return out;
}

DeviceMatrix decode_codes(ops::Device& device, const DeviceCodes& codes) {
  DeviceMatrix out{
      device.allocate(codes.rows * codes.cols * sizeof(float)), codes.rows, codes.cols};
  quantize_kernels().decode(codes.view(), out.data(), device.stream());
  return out;
}

SquaredError squared_error(ops::Device& device,
                           const DeviceMatrix& weight,
                           const DeviceCodes& codes) {
  constexpr std::size_t kPair = 2 * sizeof(double);
  const ops::DeviceBuffer parts = device.allocate((kernels::cuda::kErrorParts + 1) * kPair);
  double* const sums = parts.as<double>() + 2 * kernels::cuda::kErrorParts;
  quantize_kernels().squared_error(
      codes.view(), weight.data(), parts.as<double>(), sums, device.stream());
  SquaredError out;
  double both[2] = {};
  device.download(sums, both, sizeof both);
  out.difference = both[0];
  out.weight = both[1];
  return out;
}

}  // namespace nibble::quant
