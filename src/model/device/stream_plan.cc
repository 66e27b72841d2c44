#include "model/device/stream_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace nibble::model {
namespace {

/// "7.9 GiB", or MiB below one.
std::string amount(std::size_t n_bytes) {
  constexpr double kMebi = 1024.0 * 1024.0;
  constexpr double kGibi = 1024.0 * kMebi;
  const auto n = static_cast<double>(n_bytes);
  return n < kGibi ? fmt::format("{:.0f} MiB", n / kMebi) : fmt::format("{:.1f} GiB", n / kGibi);
}

std::string space_text(DeviceSpace space) {
  return fmt::format("{} are {}", amount(space.n_bytes), space.is_limited ? "allowed" : "free");
}

std::size_t sum_of(const std::vector<std::size_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::size_t{0});
}

std::size_t fixed_bytes(const DeviceNeeds& needs) {
  return needs.embedding_bytes + needs.head_bytes + needs.cache_bytes + needs.work_bytes;
}

Result<StreamPlan> refuse(const DeviceNeeds& needs,
                          DeviceSpace space,
                          std::string_view what,
                          std::string_view device) {
  const StreamPlan least = plan_of(needs, std::vector<std::uint8_t>(needs.layer_bytes.size(), 1));
  return fail(ErrorCode::kOutOfMemory,
              "{} needs {} on {}, {} with all layers in host memory (embedding {}, head {}, keys "
              "and values {}, work {}, {} layers on their way {}); {}",
              what,
              amount(needs.total_bytes()),
              device,
              amount(least.device_bytes),
              amount(needs.embedding_bytes),
              amount(needs.head_bytes),
              amount(needs.cache_bytes),
              amount(needs.work_bytes),
              std::min(kStreamSlots, least.n_streamed()),
              amount(least.device_bytes - fixed_bytes(needs)),
              space_text(space));
}

}  // namespace

std::size_t DeviceNeeds::total_bytes() const {
  return fixed_bytes(*this) + sum_of(layer_bytes);
}

std::size_t StreamPlan::n_streamed() const {
  return static_cast<std::size_t>(std::ranges::count(is_streamed, std::uint8_t{1}));
}

std::vector<std::uint8_t> spread_layers(std::size_t n_layers, std::size_t n) {
  std::vector<std::uint8_t> out(n_layers);
  for (std::size_t i = 0; i < n; ++i) {
    out[(i + 1) * n_layers / n - 1] = 1;
  }
  return out;
}

StreamPlan plan_of(const DeviceNeeds& needs, std::vector<std::uint8_t> is_streamed) {
  StreamPlan plan;
  plan.is_streamed = std::move(is_streamed);
  for (std::size_t i = 0; i < needs.layer_bytes.size(); ++i) {
    if (plan.is_streamed[i] != 0) {
      plan.streamed_bytes += needs.layer_bytes[i];
      plan.slot_bytes = std::max(plan.slot_bytes, needs.layer_bytes[i]);
    }
  }
  plan.device_bytes = needs.total_bytes() - plan.streamed_bytes +
                      std::min(kStreamSlots, plan.n_streamed()) * plan.slot_bytes;
  return plan;
}

Result<StreamPlan> plan_stream(const DeviceNeeds& needs,
                               DeviceSpace space,
                               std::string_view what,
                               std::string_view device) {
  const std::size_t n_layers = needs.layer_bytes.size();
  for (std::size_t n = 0; n <= n_layers; ++n) {
    StreamPlan plan = plan_of(needs, spread_layers(n_layers, n));
    if (plan.device_bytes <= space.n_bytes) {
      return plan;
    }
  }
  return refuse(needs, space, what, device);
}

std::string stream_note(const DeviceNeeds& needs,
                        const StreamPlan& plan,
                        DeviceSpace space,
                        double bytes_per_second,
                        std::string_view what,
                        std::string_view device) {
  return fmt::format(
      "{} needs {} on {}, {}: {} of {} layers stay in host memory and are copied for "
      "every pass ({} at {:.1f} GB/s: {:.3g} s)",
      what,
      amount(needs.total_bytes()),
      device,
      space_text(space),
      plan.n_streamed(),
      plan.is_streamed.size(),
      amount(plan.streamed_bytes),
      bytes_per_second / 1e9,
      static_cast<double>(plan.streamed_bytes) / bytes_per_second);
}

}  // namespace nibble::model
