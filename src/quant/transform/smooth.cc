#include "quant/transform/smooth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nibble::quant {
namespace {

constexpr float kFloor = 1e-5F;

void widen(MatrixView<const float> x, std::span<float> most) {
  for (std::size_t t = 0; t < x.rows; ++t) {
    for (std::size_t k = 0; k < x.cols; ++k) {
      most[k] = std::max(most[k], std::fabs(x(t, k)));
    }
  }
}

void scale_layers(DecoderBlock& block, Site site, std::span<const float> scales) {
  for (const std::string_view name : linears_at(site)) {
    const auto w = block.weight(name);
    std::vector<float> out(w.data, w.data + w.rows * w.cols);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] *= scales[i % w.cols];
    }
    block.set_weight(name, std::move(out));
  }
  const std::string_view norm = block.norm_before(site);
  const auto w = block.weight(norm);
  std::vector<float> out(w.data, w.data + w.cols);
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] /= scales[k];
  }
  block.set_weight(norm, std::move(out));
}

class Smooth final : public Transform {
 public:
  explicit Smooth(float alpha) : alpha_(alpha) {}

  std::vector<std::pair<std::string, std::string>> settings() const override {
    return {{"alpha", fmt::format("{}", alpha_)}};
  }
  Result<void> check(const codec::Codec& /*codec*/) const override { return {}; }

  void apply(const TransformInput& input, ThreadPool& /*pool*/) const override {
    DecoderBlock& block = input.block;
    BlockTokens tokens = input.tokens;
    for (const Site site : kSites) {
      const bool is_smoothed = site == Site::kAttentionIn || site == Site::kMlpIn;
      std::vector<float> most(block.cols_at(site));
      tokens.for_each_part(block, [&](const BlockRows& rows, std::size_t /*first*/) {
        widen(block.reach(site, rows), most);
      });
      const bool is_quantized = std::ranges::any_of(
          linears_at(site), [&](std::string_view name) { return input.codec_of(name) != nullptr; });
      if (is_smoothed && is_quantized) {
        smooth(block, site, most);
      }
    }
  }

 private:
  void smooth(DecoderBlock& block, Site site, std::span<const float> most) const {
    if (!std::ranges::all_of(most, [](float x) { return std::isfinite(x); })) {
      raise(ErrorCode::kUnsupported, "smooth: activations that are not finite");
    }
    std::vector<float> weight_max(most.size());
    for (const std::string_view name : linears_at(site)) {
      widen(block.weight(name), weight_max);
    }
    scale_layers(block, site, smoothing_scales(most, weight_max, alpha_));
  }

  float alpha_;
};

}  // namespace

std::vector<float> smoothing_scales(std::span<const float> activation_max,
                                    std::span<const float> weight_max,
                                    float alpha) {
  std::vector<float> out;
  for (std::size_t k = 0; k < activation_max.size(); ++k) {
    const float weight = std::pow(std::max(weight_max[k], kFloor), 1.0F - alpha);
    out.push_back(std::max(std::pow(activation_max[k], alpha) / weight, kFloor));
  }
  return out;
}

std::unique_ptr<Transform> make_smooth(TomlTable& stage) {
  const double alpha = stage.optional<double>("alpha").value_or(0.5);
  if (!(alpha >= 0 && alpha <= 1)) {
    stage.reject("alpha", "expected a number from 0 to 1");
  }
  return std::make_unique<Smooth>(static_cast<float>(alpha));
}

}  // namespace nibble::quant
