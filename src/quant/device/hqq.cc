#include "quant/device/hqq.h"

#include <cmath>
#include <limits>

#include "base/check.h"

namespace nibble::quant {

DeviceCodes hqq_on(ops::Device& device,
                   const DeviceMatrix& weight,
                   const codec::IntGroupFormat& format,
                   const HqqSettings& settings) {
  NIBBLE_CHECK(format.zero == codec::ZeroKind::kFloat, "hqq wants a format with a real zero");
  DeviceCodes out = DeviceCodes::make(device, format, weight.rows, weight.cols);
  if (weight.size() == 0) {
    return out;
  }
  const std::size_t n_groups = weight.rows * format.n_groups(weight.cols);
  const ops::DeviceBuffer inverses = device.allocate(n_groups * sizeof(float));
  const ops::DeviceBuffer errors =
      device.allocate((n_groups + kernels::cuda::kHqqParts) * sizeof(double));
  const kernels::cuda::HqqState start{std::numeric_limits<float>::infinity(), 0, 0};
  const ops::DeviceBuffer state =
      device.upload(std::span<const kernels::cuda::HqqState>(&start, 1));
  const kernels::cuda::HqqTask task{
      .out = out.view(),
      .w = weight.data(),
      .inverses = inverses.as<float>(),
      .errors = errors.as<double>(),
      .state = state.as<kernels::cuda::HqqState>(),
      .beta = settings.beta,
      .exponent = settings.p - 1.0F,
      // As the host has it: a little less than where shrink leaves something.
      .nothing_below = 0.999F * std::pow(settings.beta, -1.0F / (2.0F - settings.p)),
      .round_zero = settings.round_zero};
  const auto& k = quantize_kernels();
  k.hqq_start(task, device.stream());
  for (std::size_t i = 0; i < settings.max_iterations; ++i) {
    k.hqq_step(task, device.stream());
  }
  k.hqq_finish(task, device.stream());
  device.check("hqq");
  return out;
}

}  // namespace nibble::quant
