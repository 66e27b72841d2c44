#include "quant/device/moment.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "quant/device/matrix.h"

namespace nibble::quant {
DeviceMoment::DeviceMoment(ops::Device& device, std::size_t cols)
    : device_(device), cols_(cols), moment_(device.allocate(cols * cols * sizeof(float))) {
  device.clear(moment_.data(), moment_.size());
}

DeviceMoment DeviceMoment::of(ops::Device& device,
                              std::span<const float> moment,
                              std::size_t cols) {
  NIBBLE_CHECK(moment.size() == cols * cols, "a second moment of another size");
  DeviceMoment out(device, cols);
  out.moment_ = device.upload(moment);
  out.finish();
  return out;
}

void DeviceMoment::add(const void* x, std::size_t n_tokens) {
  require_done(device_,
               quantize_kernels().add_gram(x,
                                           static_cast<int>(n_tokens),
                                           moment_.as<float>(),
                                           static_cast<int>(cols_),
                                           device_.stream()));
}

void DeviceMoment::finish() {
  const ops::DeviceBuffer on_device = device_.allocate(cols_ * sizeof(float));
  quantize_kernels().diagonal(
      moment_.as<const float>(), on_device.as<float>(), static_cast<int>(cols_), device_.stream());
  std::vector<float> diagonal(cols_);
  device_.download(on_device.data(), diagonal.data(), on_device.size());
  device_.check("second moments");
  diagonal_.assign(diagonal.begin(), diagonal.end());
  std::vector<std::uint8_t> is_dead(cols_);
  for (std::size_t k = 0; k < cols_; ++k) {
    is_dead[k] = diagonal_[k] == 0.0 ? 1 : 0;
    diagonal_[k] = is_dead[k] != 0 ? 1.0 : diagonal_[k];
  }
  n_dead_ = static_cast<std::size_t>(std::ranges::count(is_dead, 1));
  dead_ = device_.upload(std::span<const std::uint8_t>(is_dead));
}

void DeviceMoment::require_finite(std::string_view weight) const {
  const auto bad = std::ranges::find_if(diagonal_, [](double x) { return !std::isfinite(x); });
  if (bad != diagonal_.end()) {
    raise(ErrorCode::kUnsupported,
          "{}: input {} is not finite on the calibration text; the source model overflows there",
          weight,
          bad - diagonal_.begin());
  }
}

const float* DeviceMoment::symmetric() {
  if (!is_mirrored_) {
    awq_kernels().mirror(moment_.as<float>(), static_cast<int>(cols_), device_.stream());
    is_mirrored_ = true;
  }
  return moment_.as<const float>();
}

const DeviceFactor& DeviceMoment::factor(const FactorSettings& settings) {
  if (!factor_ || !(factor_->settings == settings)) {
    factor_.reset();
    make_factor(settings);
  }
  return *factor_;
}

bool DeviceMoment::try_factor(double damping, DeviceFactor& out) {
  const int n = static_cast<int>(cols_);
  const ops::DeviceBuffer inverse = device_.allocate(cols_ * cols_ * sizeof(double));
  const double mean = std::accumulate(diagonal_.begin(), diagonal_.end(), 0.0) /
                      static_cast<double>(std::max<std::size_t>(cols_, 1));
  const auto& k = quantize_kernels();
  k.fill_moment({.moment = moment_.as<const float>(),
                 .order = out.input_at.as<const std::uint32_t>(),
                 .is_dead = is_dead(),
                 .damping = damping * mean,
                 .out = inverse.as<double>(),
                 .n = n},
                device_.stream());
  bool is_definite = false;
  require_done(device_, k.invert_factor(inverse.as<double>(), n, &is_definite, device_.stream()));
  if (is_definite) {
    k.reverse_factor(inverse.as<const double>(), out.u.as<float>(), n, device_.stream());
  }
  return is_definite;
}

void DeviceMoment::make_factor(const FactorSettings& settings) {
  DeviceFactor out;
  out.settings = settings;
  out.damping = settings.damping;
  out.places = make_places(diagonal_, settings.group, settings.order, settings.groups_by_place);
  out.input_at = device_.upload(std::span<const std::uint32_t>(out.places.input));
  out.group_at = device_.upload(std::span<const std::uint32_t>(out.places.group));
  out.u = device_.allocate(cols_ * cols_ * sizeof(float));
  while (!try_factor(out.damping, out)) {
    if (out.damping >= 1.0) {
      out.is_diagonal = true;
      std::vector<float> ones(cols_ * cols_);
      for (std::size_t p = 0; p < cols_; ++p) {
        ones[p * cols_ + p] = 1.0F;
      }
      out.u = device_.upload(std::span<const float>(ones));
      break;
    }
    out.damping = std::clamp(out.damping * 10.0, 0.01, 1.0);
  }
  factor_ = std::move(out);
}

}  // namespace nibble::quant
