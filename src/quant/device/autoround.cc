#include "quant/device/autoround.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "quant/device/block_gradient.h"
#include "quant/device/rounding.h"

namespace nibble::quant {
namespace {

/// The largest error times the factor is at most this, 2^-7 of what binary16 ends with.
constexpr double kLargestGradient = 512;
/// Groups of so many weights or more are reckoned with.
constexpr std::size_t kUsualGroup = 32;

/// A block on a device whose weights are tuned.
class TuningOnDevice final : public TunedBlock {
 public:
  explicit TuningOnDevice(const DeviceBlockInput& input)
      : input_(input), gradient_(input.device, input.block, input.window) {
    for (const BlockWeight& weight : input.weights) {
      require_linear(weight.name);
      const DeviceBlock::PlaceOfRows place = input.block.place_of(weight.name);
      const DeviceMatrix w = input.block.weight(weight.name);
      tuned_.push_back({gradient_of(place.product),
                        DeviceRounding(input.device,
                                       w,
                                       *codec::int_group_format(*weight.codec),
                                       {place.product->data(), place.first, place.turn})});
    }
  }

  double loss(std::span<const std::size_t> windows) override {
    gradient_.clear_error();
    const std::size_t at_once = gradient_.windows_at_once();
    float factor = 1.0F;
    for (std::size_t first = 0; first < windows.size(); first += at_once) {
      gradient_.forward(input_.inputs,
                        input_.targets,
                        windows.subspan(first, std::min(at_once, windows.size() - first)));
      // Gradients of all passes are summed, so they share the first one's factor.
      factor = first == 0 ? gradient_factor(gradient_.error().largest) : factor;
      gradient_.backward(factor, gradients_, first > 0);
    }
    const double sum = gradient_.error().squares;
    input_.device.check("a step of autoround");
    return sum / static_cast<double>(windows.size() * input_.window * input_.block.config().hidden);
  }

  void step(const StepSizes& sizes, Keep keep) override {
    for (Tuned& tuned : tuned_) {
      tuned.rounding.step(tuned.gradient->as<const float>(), sizes, keep);
    }
  }

  void keep() override {
    for (Tuned& tuned : tuned_) {
      tuned.rounding.keep();
    }
  }

  [[nodiscard]] std::vector<DeviceCodes> take_codes() {
    std::vector<DeviceCodes> out;
    for (Tuned& tuned : tuned_) {
      out.push_back(tuned.rounding.take_codes());
    }
    input_.device.check("autoround");
    return out;
  }

 private:
  struct Tuned {
    const ops::DeviceBuffer* gradient;  ///< of its product
    DeviceRounding rounding;
  };

  static void require_linear(std::string_view name) {
    for (const Site site : kSites) {
      for (const std::string_view linear : linears_at(site)) {
        if (linear == name) {
          return;
        }
      }
    }
    raise(ErrorCode::kUnsupported,
          "method 'autoround' tunes the linear layers of decoder blocks, '{}' is none of them",
          name);
  }

  /// The gradient of a product, made for the first of its weights.
  const ops::DeviceBuffer* gradient_of(const ops::DeviceBuffer* product) {
    const DeviceBlock::Weights& weights = input_.block.weights();
    ops::DeviceBuffer& out = product == &weights.qkv       ? gradients_.qkv
                             : product == &weights.o       ? gradients_.o
                             : product == &weights.gate_up ? gradients_.gate_up
                                                           : gradients_.down;
    if (out.size() == 0) {
      out = input_.device.allocate(product->size() * 2);  // halves there, floats here
    }
    return &out;
  }

  const DeviceBlockInput& input_;
  DeviceBlockGradient gradient_;
  DeviceBlockGradients gradients_;
  std::vector<Tuned> tuned_;
};

}  // namespace

float gradient_factor(double largest) {
  if (!(largest > 0) || !std::isfinite(largest)) {
    return 1.0F;
  }
  constexpr int kMostDoublings = 64;
  const int doublings = std::ilogb(kLargestGradient / largest);
  return std::ldexp(1.0F, std::clamp(doublings, -kMostDoublings, kMostDoublings));
}

DeviceAutoround autoround_on(const DeviceBlockInput& input,
                             const AutoroundSettings& settings,
                             FunctionRef<void(double)> done) {
  NIBBLE_CHECK(input.window > 0 && input.n_tokens % input.window == 0, "autoround: whole windows");
  TuningOnDevice tuning(input);
  DeviceAutoround out;
  static_cast<AutoroundTrace&>(out) =
      autoround_steps(tuning, input.n_tokens / input.window, input.layer, settings, done);
  out.codes = tuning.take_codes();
  return out;
}

DeviceCodes autoround_start_on(ops::Device& device,
                               const DeviceMatrix& weight,
                               const codec::IntGroupFormat& format) {
  return DeviceRounding(device, weight, format, {}).take_codes();
}

std::size_t autoround_bytes_on(const model::ModelConfig& config, std::size_t window) {
  const std::size_t q = config.n_heads * config.head_dim;
  const std::size_t qkv = q + 2 * config.n_kv_heads * config.head_dim;
  const std::size_t hidden = config.hidden;
  const std::size_t wide = config.intermediate;
  const auto tuned = [](std::size_t rows, std::size_t cols) {
    return DeviceRounding::bytes_needed(rows, cols, kUsualGroup) + rows * cols * sizeof(float);
  };
  return tuned(qkv, hidden) + tuned(hidden, q) + tuned(2 * wide, hidden) + tuned(hidden, wide) +
         DeviceBlockGradient::bytes_needed(config, window);
}

}  // namespace nibble::quant
