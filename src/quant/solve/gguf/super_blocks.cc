#include <algorithm>
#include <array>
#include <cmath>

#include "codec/gguf_kblock.h"
#include "quant/solve/gguf/block_weights.h"
#include "quant/solve/gguf/blocks.h"
#include "quant/solve/gguf/scale_search.h"
#include "quant/solve/rounding.h"
#include "tensor/half.h"

namespace nibble::quant {
namespace {

using codec::SuperBlock;
using Codes = std::array<std::uint8_t, 256>;

float as_stored(float d) noexcept {
  return f16_to_f32(f32_to_f16(d));
}

float rounded(float x, float low, float high) noexcept {
  return round_even(std::clamp(x, low, high));
}

/// Scales of sub-blocks, and how much each sub-block counts.
template <std::size_t kGroups>
struct SubBlocks {
  std::array<float, kGroups> scales{};
  std::array<float, kGroups> mins{};  ///< minus the offset
  std::array<float, kGroups> weights{};
};

/// An unsigned factor and integers up to `max` that stand for `values`.
template <std::size_t kGroups>
float to_integers(const std::array<float, kGroups>& values,
                  const std::array<float, kGroups>& weights,
                  bool is_searched,
                  int max,
                  std::array<std::int8_t, kGroups>& out) noexcept {
  if (is_searched) {
    std::array<std::uint8_t, kGroups> codes{};
    const float d = positive_scale(values, weights, max, codes);
    std::ranges::copy(codes, out.begin());
    return d;
  }
  const float largest = std::max(0.0F, *std::ranges::max_element(values));
  const float inverse = largest > 0.0F ? static_cast<float>(max) / largest : 0.0F;
  for (std::size_t g = 0; g < kGroups; ++g) {
    out[g] = static_cast<std::int8_t>(rounded(inverse * values[g], 0.0F, static_cast<float>(max)));
  }
  return largest / static_cast<float>(max);
}

/// How a type with minimums is searched.
struct AffineRules {
  int max_code, max_scale;
  float importance_factor;  ///< the k of importance weights
  OffsetSearch plain;
};

template <class Format>
class AffineEncoder {
 public:
  AffineEncoder(const BlockInput& in, const AffineRules& rules) : in_(in), rules_(rules) {}

  void encode(std::uint8_t* block) {
    for (std::size_t g = 0; g < kGroups; ++g) {
      search(g);
    }
    const bool is_searched = !in_.importance.empty();
    SuperBlock<kGroups> super;
    super.d = to_integers(subs_.scales, subs_.weights, is_searched, rules_.max_scale, super.scales);
    super.dmin = to_integers(subs_.mins, subs_.weights, is_searched, rules_.max_scale, super.mins);
    for (std::size_t g = 0; g < kGroups; ++g) {
      choose(g, super);
    }
    Format::pack(super, codes_.data(), block);
  }

 private:
  static constexpr std::size_t kGroups = Format::kGroups;
  static constexpr std::size_t kGroup = Format::kGroup;

  [[nodiscard]] std::span<const float> weights_of(std::size_t g) const {
    return in_.x.subspan(g * kGroup, kGroup);
  }

  /// Scale and minimum of one sub-block.
  void search(std::size_t g) {
    const auto x = weights_of(g);
    std::array<float, kGroup> w;
    OffsetSearch how = rules_.plain;
    if (!in_.importance.empty()) {
      how = {.max_code = rules_.max_code, .first = -0.9F, .step = 0.05F, .n_steps = 36};
      importance_weights(x, in_.importance.subspan(g * kGroup, kGroup), mean_square(), w);
      for (const float v : w) {
        subs_.weights[g] += v;
      }
    } else {
      const float base =
          how.is_absolute ? 0.0F : std::sqrt(sum_of_squares(x) / static_cast<float>(kGroup));
      std::ranges::transform(x, w.begin(), [&](float v) { return base + std::fabs(v); });
    }
    const auto grid = offset_scale(x, w, how, codes_of(g));
    subs_.scales[g] = grid.scale;
    subs_.mins[g] = -grid.offset;
  }

  [[nodiscard]] float mean_square() const {
    return rules_.importance_factor * sum_of_squares(in_.x) / 256.0F;
  }

  std::span<std::uint8_t> codes_of(std::size_t g) {
    return std::span(codes_).subspan(g * kGroup, kGroup);
  }

  /// Codes for the scales as stored; those of the search where the scale has become 0.
  void choose(std::size_t g, const SuperBlock<kGroups>& super) {
    const float scale = as_stored(super.d) * static_cast<float>(super.scales[g]);
    const float min = as_stored(super.dmin) * static_cast<float>(super.mins[g]);
    if (scale == 0.0F) {
      return;
    }
    const auto x = weights_of(g);
    const auto codes = codes_of(g);
    for (std::size_t i = 0; i < kGroup; ++i) {
      codes[i] = static_cast<std::uint8_t>(
          rounded((x[i] + min) / scale, 0.0F, static_cast<float>(rules_.max_code)));
    }
  }

  const BlockInput& in_;
  const AffineRules& rules_;
  Codes codes_{};
  SubBlocks<kGroups> subs_;
};

/// Codes of a symmetric type for the scales as stored.
void choose_symmetric(std::span<const float> x,
                      const SuperBlock<16>& super,
                      float half,
                      Codes& codes) noexcept {
  for (std::size_t i = 0; i < 256; ++i) {
    const float scale = as_stored(super.d) * static_cast<float>(super.scales[i / 16]);
    if (scale != 0.0F) {
      codes[i] = static_cast<std::uint8_t>(rounded(x[i] / scale, -half, half - 1.0F) + half);
    }
  }
}

/// The scale of largest magnitude becomes -limit.
SuperBlock<16> signed_scales(const std::array<float, 16>& scales, float limit) noexcept {
  SuperBlock<16> super;
  const float largest = signed_peak(scales);
  if (largest == 0.0F) {
    return super;
  }
  const float inverse = -limit / largest;
  super.d = 1.0F / inverse;
  for (std::size_t g = 0; g < 16; ++g) {
    super.scales[g] = static_cast<std::int8_t>(rounded(inverse * scales[g], -limit, limit - 1.0F));
  }
  return super;
}

SuperBlock<16> q3_scales_by_importance(const BlockInput& in, Codes& codes) {
  const float mean_square = 2.0F * sum_of_squares(in.x) / 256.0F;
  SubBlocks<16> subs;
  for (std::size_t g = 0; g < 16; ++g) {
    const auto x = in.x.subspan(g * 16, 16);
    std::array<float, 16> w;
    importance_weights(x, in.importance.subspan(g * 16, 16), mean_square, w);
    for (const float v : w) {
      subs.weights[g] += v;
    }
    subs.scales[g] = symmetric_scale(x, w, 4, std::span(codes).subspan(g * 16, 16));
  }
  SuperBlock<16> super;
  std::array<std::uint8_t, 16> integers{};
  super.d = symmetric_scale(subs.scales, subs.weights, 32, integers);
  for (std::size_t g = 0; g < 16; ++g) {
    super.scales[g] = static_cast<std::int8_t>(integers[g] - 32);
  }
  return super;
}

}  // namespace

void encode_q2_k(const BlockInput& in, std::uint8_t* block) {
  static constexpr AffineRules kRules{3, 15, 1.0F, {3, -0.5F, 0.1F, 15, true}};
  AffineEncoder<codec::Q2K>(in, kRules).encode(block);
}

void encode_q4_k(const BlockInput& in, std::uint8_t* block) {
  static constexpr AffineRules kRules{15, 63, 2.0F, {15, -1.0F, 0.1F, 20, false}};
  AffineEncoder<codec::Q4K>(in, kRules).encode(block);
}

void encode_q5_k(const BlockInput& in, std::uint8_t* block) {
  static constexpr AffineRules kRules{31, 63, 2.0F, {31, -0.5F, 0.1F, 15, false}};
  AffineEncoder<codec::Q5K>(in, kRules).encode(block);
}

void encode_q3_k(const BlockInput& in, std::uint8_t* block) {
  Codes codes{};
  SuperBlock<16> super;
  if (in.importance.empty()) {
    std::array<float, 16> scales;
    for (std::size_t g = 0; g < 16; ++g) {
      scales[g] = descend_scale(in.x.subspan(g * 16, 16), 4, std::span(codes).subspan(g * 16, 16));
    }
    super = signed_scales(scales, 32.0F);
  } else {
    super = q3_scales_by_importance(in, codes);
  }
  if (super.d == 0.0F) {
    super.scales.fill(-32);  // stored as 0
  }
  choose_symmetric(in.x, super, 4.0F, codes);
  codec::Q3K::pack(super, codes.data(), block);
}

void encode_q6_k(const BlockInput& in, std::uint8_t* block) {
  Codes codes{};
  std::array<float, 16> scales;
  for (std::size_t g = 0; g < 16; ++g) {
    const auto x = in.x.subspan(g * 16, 16);
    std::array<float, 16> squares;
    std::ranges::transform(x, squares.begin(), [](float v) { return v * v; });
    const auto w =
        in.importance.empty() ? std::span<const float>(squares) : in.importance.subspan(g * 16, 16);
    scales[g] = symmetric_scale(x, w, 32, std::span(codes).subspan(g * 16, 16));
  }
  const SuperBlock<16> super = signed_scales(scales, 128.0F);
  if (super.d == 0.0F) {
    codes.fill(0);
  }
  choose_symmetric(in.x, super, 32.0F, codes);
  codec::Q6K::pack(super, codes.data(), block);
}

}  // namespace nibble::quant
