#include "codec/kv/group_grid.h"

#include <algorithm>
#include <cmath>

#include "tensor/half.h"

namespace nibble::codec {
namespace {

float rounded(float x, KvRounding rounding) noexcept {
  return rounding == KvRounding::kHalf ? f16_to_f32(f32_to_f16(x)) : x;
}

}  // namespace

GroupGrid code_group(std::span<const float> x,
                     std::size_t bits,
                     KvRounding rounding,
                     std::span<std::uint8_t> codes) noexcept {
  const auto [least, most] = std::ranges::minmax(x);
  const auto top = static_cast<float>((1U << bits) - 1U);
  GroupGrid grid;
  grid.min = rounded(least, rounding);
  const float range = rounded(rounded(most, rounding) - grid.min, rounding);
  grid.scale = rounded(range / top, rounding);
  if (!(grid.scale > 0)) {
    grid.scale = 0;
    std::ranges::fill(codes, std::uint8_t{0});
    return grid;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float shifted = rounded(rounded(x[i], rounding) - grid.min, rounding);
    const float steps = rounded(shifted / grid.scale, rounding);
    codes[i] = static_cast<std::uint8_t>(std::nearbyintf(std::clamp(steps, 0.0F, top)));
  }
  return grid;
}

}  // namespace nibble::codec
