#include "kernels/linear.h"

#include <algorithm>

#include "base/checked_math.h"

namespace nibble::kernels {

ActivationFormat activation_format(const Panels& panels, const PanelKernel& kernel) noexcept {
  ActivationFormat format;
  format.type = kernel.activation;
  format.cols = panels.cols;
  if (format.type == ActivationType::kInt8) {
    format.groups = panels.groups;
    format.zero = panels.zero - kernel.origin;
  } else {
    format.depth = panels.format == PanelFormat::kBf16 ? round_up(panels.cols, 2) : panels.cols;
  }
  return format;
}

std::size_t activation_bytes(const ActivationFormat& format) noexcept {
  switch (format.type) {
    case ActivationType::kF32:
      return format.depth * sizeof(float);
    case ActivationType::kBf16:
      return format.depth * sizeof(std::uint16_t);
    case ActivationType::kInt8:
      return format.groups.n_blocks * (format.groups.block + 3 * sizeof(float));
  }
  return 0;
}

PanelTask panel_task(const Panels& panels, std::size_t panel, std::size_t n_panels) noexcept {
  PanelTask task;
  task.codes = panels.panel(panel);
  task.codes_stride = panels.panel_bytes;
  task.cols = panels.cols;
  task.n_rows = std::min(n_panels * kPanelRows, panels.rows - panel * kPanelRows);
  if (!holds_codes(panels.format)) {
    return task;
  }
  const std::size_t at = panel * panels.n_supers * kPanelRows;
  const std::size_t integers_at = panel * panels.groups.n_groups * kPanelRows;
  task.groups = panels.groups;
  task.scales = panels.scales.data() + at;
  task.offsets = panels.has_offsets ? panels.offsets.data() + at : nullptr;
  task.super_shift = panels.super_shift;
  if (!panels.integer_scales.empty()) {
    task.integer_scales = panels.integer_scales.data() + integers_at;
    task.integer_offsets =
        panels.has_offsets ? panels.integer_offsets.data() + integers_at : nullptr;
  }
  task.row_factors = panels.row_factors.data() + panel * kPanelRows;
  task.levels = panels.format == PanelFormat::kLut4 ? panels.levels.data() : nullptr;
  return task;
}

std::size_t TilePlan::width(std::size_t tile) const noexcept {
  return tile + 1 == n_tiles ? last : full;
}

std::size_t TilePlan::tokens(std::size_t tile) const noexcept {
  return std::min(full, n_tokens - tile * full);
}

std::size_t TilePlan::padded() const noexcept {
  return n_tiles == 0 ? 0 : (n_tiles - 1) * full + last;
}

TilePlan plan_tiles(std::span<const std::size_t> tiles, std::size_t n_tokens) noexcept {
  TilePlan plan{
      .n_tokens = n_tokens, .full = tiles.back(), .n_tiles = ceil_div(n_tokens, tiles.back())};
  if (plan.n_tiles != 0) {
    const std::size_t rest = plan.tokens(plan.n_tiles - 1);
    plan.last = *std::ranges::lower_bound(tiles, rest);
  }
  return plan;
}

}  // namespace nibble::kernels
