#include "quant/device/awq_clip.h"

#include <algorithm>
#include <optional>

#include "base/cancel.h"
#include "quant/device/nearest.h"
#include "quant/transform/awq_clip.h"

namespace nibble::quant {
namespace {

/// What is found for one layer.
struct FoundLimits {
  kernels::cuda::GroupedMatrix groups;
  ops::DeviceBuffer limits;  ///< float [rows][n_groups]
};

/// products = differences times the moment of each group.
void multiply_groups(ops::Device& device,
                     const kernels::cuda::ClipTask& task,
                     const float* moment,
                     float* products) {
  const int n = task.groups.cols;
  for (int first = 0; first < n; first += task.groups.group) {
    const int size = std::min(task.groups.group, n - first);
    require_done(
        device,
        quantize_kernels().multiply({.a = task.differences + first,
                                     .a_stride = n,
                                     .b = moment + static_cast<std::size_t>(first) * n + first,
                                     .b_stride = n,
                                     .c = products + first,
                                     .c_stride = n,
                                     .rows = task.groups.rows,
                                     .k = size,
                                     .cols = size},
                                    device.stream()));
  }
}

FoundLimits find_limits(ops::Device& device,
                        const DeviceMatrix& weight,
                        const codec::IntGroupFormat& format,
                        const float* moment) {
  const std::size_t n_groups = weight.rows * format.n_groups(weight.cols);
  FoundLimits out{grouped_shape(weight, format), device.allocate(n_groups * sizeof(float))};
  const ops::DeviceBuffer differences = device.allocate(weight.size() * sizeof(float));
  const ops::DeviceBuffer products = device.allocate(weight.size() * sizeof(float));
  const ops::DeviceBuffer tried = device.allocate(n_groups * sizeof(float));
  const ops::DeviceBuffer least = device.allocate(n_groups * sizeof(double));
  const kernels::cuda::ClipTask task{.groups = out.groups,
                                     .rule = grid_rule(format, RangeRule::kRaw),
                                     .w = weight.data(),
                                     .differences = differences.as<float>(),
                                     .products = products.as<const float>(),
                                     .tried = tried.as<float>(),
                                     .limits = out.limits.as<float>(),
                                     .least = least.as<double>()};
  for (std::size_t i = 0; i < kAwqClipSteps; ++i) {
    cancel_flag().check();
    awq_kernels().clip_differences(task, awq_clip_share(i), device.stream());
    multiply_groups(device, task, moment, products.as<float>());
    awq_kernels().clip_judge(task, i == 0, device.stream());
  }
  device.check("awq_clip");
  return out;
}

const codec::IntGroupFormat* clipped_format(const DeviceTransformInput& input,
                                            std::string_view name) {
  const auto codec = input.codec_of(name);
  return codec == nullptr || !is_awq_clipped(name) ? nullptr : codec::int_group_format(*codec);
}

/// Second moments of what the sites read whose layers are clipped.
std::map<Site, DeviceMoment> observe_sites(const DeviceTransformInput& input) {
  std::map<Site, DeviceMoment> out;
  for (const Site site : kSites) {
    for (const std::string_view name : linears_at(site)) {
      if (clipped_format(input, name) != nullptr) {
        out.try_emplace(site, input.device, input.walk.cols_at(site));
      }
    }
  }
  input.walk.look(
      input.block,
      [&](Site site) { return out.contains(site); },
      [&](Site site, const SiteInputs& seen) { out.at(site).add(seen.x, seen.n_tokens); });
  for (auto& [site, moment] : out) {
    moment.finish();
    moment.require_finite(linears_at(site).front());
  }
  return out;
}

}  // namespace

std::map<std::string, std::vector<float>> awq_clip_on(const DeviceTransformInput& input) {
  ops::Device& device = input.device;
  auto moments = observe_sites(input);
  std::map<std::string, std::vector<float>> out;
  for (const Site site : kSites) {
    for (const std::string_view name : linears_at(site)) {
      const codec::IntGroupFormat* const format = clipped_format(input, name);
      if (format == nullptr) {
        continue;
      }
      const DeviceMatrix before = input.block.weight(name);
      const FoundLimits found = find_limits(device, before, *format, moments.at(site).symmetric());
      DeviceMatrix clipped{
          device.allocate(before.size() * sizeof(float)), before.rows, before.cols};
      device.copy(before.data(), clipped.data(), before.size() * sizeof(float));
      awq_kernels().clip(
          found.groups, found.limits.as<const float>(), clipped.data(), device.stream());
      auto& limits = out[std::string(name)];
      limits.resize(found.limits.size() / sizeof(float));
      device.download(found.limits.data(), limits.data(), found.limits.size());
      input.block.rewrite(name, std::move(clipped));
    }
  }
  return out;
}

}  // namespace nibble::quant
