#include <algorithm>
#include <array>
#include <cmath>

#include "codec/gguf_iq4.h"
#include "quant/solve/gguf/block_weights.h"
#include "quant/solve/gguf/blocks.h"
#include "quant/solve/gguf/scale_search.h"
#include "quant/solve/rounding.h"

namespace nibble::quant {
namespace {

constexpr const auto& kLevels = codec::kIq4Levels;
constexpr int kTries = 7;  // grids on either side

/// The level nearest to x; a tie goes to the higher one.
std::uint8_t nearest_level(float x) noexcept {
  const auto above = std::ranges::lower_bound(kLevels, x);
  if (above == kLevels.begin()) {
    return 0;
  }
  const auto i = static_cast<std::uint8_t>(above - kLevels.begin());
  if (above == kLevels.end()) {
    return 15;
  }
  return x - *(above - 1) < *above - x ? static_cast<std::uint8_t>(i - 1) : i;
}

struct LevelFit {
  float xl = 0.0F;
  float ll = 0.0F;
};

LevelFit fit_levels(std::span<const float> x, std::span<const float> w, float inverse) noexcept {
  LevelFit fit;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float level = kLevels[nearest_level(inverse * x[i])];
    fit.xl += w[i] * level * x[i];
    fit.ll += w[i] * level * level;
  }
  return fit;
}

/// The best scale of 32 weights: the peak on the first level, or one of fifteen grids near it.
float level_scale(std::span<const float> x, std::span<const float> w) noexcept {
  const float peak = signed_peak(x);
  if (peak == 0.0F) {
    return 0.0F;
  }
  LevelFit fit = fit_levels(x, w, 1.0F / (-peak / kLevels[0]));
  float scale = fit.xl / fit.ll;
  float best = scale * fit.xl;
  for (int i = -kTries; i <= kTries; ++i) {
    fit = fit_levels(x, w, (static_cast<float>(i) + kLevels[0]) / peak);
    if (fit.ll > 0.0F && fit.xl * fit.xl > best * fit.ll) {
      scale = fit.xl / fit.ll;
      best = scale * fit.xl;
    }
  }
  return scale;
}

/// The scale of the group of 32 weights at `first`.
float group_scale(const BlockInput& in, std::size_t first, float mean_square) noexcept {
  const auto x = in.x.subspan(first, 32);
  std::array<float, 32> w;
  if (in.importance.empty()) {
    std::ranges::transform(x, w.begin(), [](float v) { return v * v; });
  } else {
    importance_weights(x, in.importance.subspan(first, 32), mean_square, w);
  }
  return level_scale(x, w);
}

float twice_mean_square(std::span<const float> x) noexcept {
  return sum_of_squares(x) * (2.0F / static_cast<float>(x.size()));
}

void choose_levels(std::span<const float> x, float scale, std::uint8_t* codes) noexcept {
  const float inverse = scale != 0.0F ? 1.0F / scale : 0.0F;
  std::ranges::transform(x, codes, [&](float v) { return nearest_level(inverse * v); });
}

}  // namespace

void encode_iq4_nl(const BlockInput& in, std::uint8_t* block) {
  codec::Iq4Block<1> out;
  out.d = group_scale(in, 0, twice_mean_square(in.x));
  choose_levels(in.x, out.d, out.codes.data());
  codec::Iq4Nl::pack(out, block);
}

void encode_iq4_xs(const BlockInput& in, std::uint8_t* block) {
  const float mean_square = twice_mean_square(in.x);
  std::array<float, 8> scales;
  for (std::size_t g = 0; g < scales.size(); ++g) {
    scales[g] = group_scale(in, 32 * g, mean_square);
  }
  codec::Iq4Block<8> out;
  out.d = -signed_peak(scales) / 32.0F;
  const float inverse = out.d != 0.0F ? 1.0F / out.d : 0.0F;
  for (std::size_t g = 0; g < scales.size(); ++g) {
    const float integer = round_even(std::clamp(inverse * scales[g], -32.0F, 31.0F));
    out.scales[g] = static_cast<std::int8_t>(integer);
    choose_levels(in.x.subspan(32 * g, 32), out.d * integer, out.codes.data() + 32 * g);
  }
  codec::Iq4Xs::pack(out, block);
}

}  // namespace nibble::quant
