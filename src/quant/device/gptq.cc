#include "quant/device/gptq.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kBlock = kernels::cuda::kGptqBlock;

/// The group of each input where groups are runs of places.
ops::DeviceBuffer upload_group_of(ops::Device& device, const Places& places) {
  std::vector<std::uint32_t> group_of(places.input.size());
  for (std::size_t p = 0; p < group_of.size(); ++p) {
    group_of[places.input[p]] = places.group[p];
  }
  return device.upload(std::span<const std::uint32_t>(group_of));
}

/// Block after block of inputs, each with the product that takes its errors from what is behind.
void run_blocks(ops::Device& device, kernels::cuda::GptqTask task) {
  const auto& k = quantize_kernels();
  const int cols = task.out.cols;
  for (task.begin = 0; task.begin < cols; task.begin += task.size) {
    task.size = std::min(cols - task.begin, kernels::cuda::kGptqBlock);
    k.gptq_block(task, device.stream());
    const int end = task.begin + task.size;
    if (end == cols) {
      return;
    }
    require_done(device,
                 k.multiply({.a = task.errors,
                             .a_stride = kernels::cuda::kGptqBlock,
                             .b = task.u + static_cast<std::size_t>(task.begin) * cols + end,
                             .b_stride = cols,
                             .c = task.w + end,
                             .c_stride = cols,
                             .rows = task.out.rows,
                             .k = task.size,
                             .cols = cols - end,
                             .factor = -1.0F,
                             .adds = true},
                            device.stream()));
  }
}

}  // namespace

Result<void> check_gptq_on(const GptqSettings& settings) {
  if (settings.range == RangeRule::kMse) {
    return fail(ErrorCode::kUnsupported,
                "method 'gptq' with range = \"mse\" does not run on a device yet");
  }
  if (settings.asymmetry > 0) {
    return fail(ErrorCode::kUnsupported,
                "method 'gptq' with asymmetry does not run on a device yet");
  }
  return {};
}

DeviceGptq gptq_on(ops::Device& device,
                   const DeviceMatrix& weight,
                   DeviceMoment& moment,
                   const codec::IntGroupFormat& format,
                   const GptqSettings& settings) {
  NIBBLE_CHECK(format.zero != codec::ZeroKind::kFloat, "gptq wants a format with an integer zero");
  NIBBLE_CHECK(moment.cols() == weight.cols, "gptq: the second moment does not fit");
  check_gptq_on(settings).take();
  DeviceGptq out{DeviceCodes::make(device, format, weight.rows, weight.cols)};
  out.damping = settings.damping;
  if (weight.size() == 0) {
    return out;
  }
  const DeviceFactor& factor = moment.factor({settings.order,
                                              settings.has_groups_by_place(),
                                              format.group_of(weight.cols),
                                              settings.damping});
  out.n_dead = moment.n_dead();
  out.damping = factor.damping;
  out.is_diagonal = factor.is_diagonal;
  const ops::DeviceBuffer placed = device.allocate(weight.size() * sizeof(float));
  const ops::DeviceBuffer errors = device.allocate(weight.rows * kBlock * sizeof(float));
  kernels::cuda::GptqTask task{.out = out.codes.view(),
                               .rule = {.is_symmetric = format.zero == codec::ZeroKind::kMiddle,
                                        .is_raw = settings.range == RangeRule::kRaw},
                               .static_groups = settings.static_groups,
                               .w = placed.as<float>(),
                               .u = factor.u.as<const float>(),
                               .input_at = factor.input_at.as<const std::uint32_t>(),
                               .group_at = factor.group_at.as<const std::uint32_t>(),
                               .errors = errors.as<float>()};
  const auto& k = quantize_kernels();
  if (settings.static_groups) {
    k.static_grids(task.out, task.rule, weight.data(), moment.is_dead(), device.stream());
  }
  k.place_columns(weight.data(),
                  task.input_at,
                  moment.is_dead(),
                  task.w,
                  task.out.rows,
                  task.out.cols,
                  device.stream());
  run_blocks(device, task);
  device.check("gptq");
  if (format.is_permuted) {
    out.codes.order = factor.places.input;
    out.codes.group_of = upload_group_of(device, factor.places);
  }
  return out;
}

}  // namespace nibble::quant
