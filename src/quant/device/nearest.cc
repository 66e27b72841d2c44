#include "quant/device/nearest.h"

#include "base/check.h"

namespace nibble::quant {

kernels::cuda::GroupedMatrix grouped_shape(const DeviceMatrix& weight,
                                           const codec::IntGroupFormat& format) {
  return {.rows = static_cast<int>(weight.rows),
          .cols = static_cast<int>(weight.cols),
          .group = static_cast<int>(format.group_of(weight.cols)),
          .n_groups = static_cast<int>(format.n_groups(weight.cols)),
          .bits = static_cast<int>(format.bits),
          .half_parameters = format.parameters == DType::kF16};
}

kernels::cuda::GridRule grid_rule(const codec::IntGroupFormat& format, RangeRule rule) {
  return {.is_symmetric = format.zero == codec::ZeroKind::kMiddle,
          .is_raw = rule == RangeRule::kRaw};
}

DeviceCodes nearest_on(ops::Device& device,
                       const DeviceMatrix& weight,
                       const codec::IntGroupFormat& format,
                       RangeRule rule) {
  NIBBLE_CHECK(format.zero != codec::ZeroKind::kFloat && !format.is_permuted,
               "nearest on a device wants a format with an integer zero");
  NIBBLE_CHECK(rule != RangeRule::kMse, "nearest on a device searches no range");
  DeviceCodes out = DeviceCodes::make(device, format, weight.rows, weight.cols);
  if (weight.size() > 0) {
    awq_kernels().nearest(out.view(), grid_rule(format, rule), weight.data(), device.stream());
    device.check("nearest codes");
  }
  return out;
}

}  // namespace nibble::quant
