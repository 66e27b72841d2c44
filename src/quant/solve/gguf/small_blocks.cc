#include <algorithm>
#include <array>
#include <cmath>

#include "codec/gguf_blocks_small.h"
#include "quant/solve/gguf/block_weights.h"
#include "quant/solve/gguf/blocks.h"
#include "quant/solve/gguf/scale_search.h"

namespace nibble::quant {
namespace {

using codec::SmallBlock;

/// 1 / d, or 0 for a block of zeros.
float inverse_of(float d) noexcept {
  return d != 0.0F ? 1.0F / d : 0.0F;
}

std::array<float, 32> weights_of(const BlockInput& in) noexcept {
  std::array<float, 32> out;
  importance_weights(in.x, in.importance, in.row_mean_square, out);
  return out;
}

/// The peak becomes the code 0, of value -half d.
template <class Format>
void encode_symmetric(const BlockInput& in, std::uint8_t* block) {
  constexpr int kHalf = Format::kZero;
  SmallBlock out;
  if (!in.importance.empty()) {
    out.d = symmetric_scale(in.x, weights_of(in), kHalf, out.codes);
  } else {
    out.d = signed_peak(in.x) / static_cast<float>(-kHalf);
    const float inverse = inverse_of(out.d);
    for (std::size_t i = 0; i < in.x.size(); ++i) {
      const float code = in.x[i] * inverse + (static_cast<float>(kHalf) + 0.5F);
      out.codes[i] = static_cast<std::uint8_t>(std::min(2 * kHalf - 1, static_cast<int>(code)));
    }
  }
  Format::pack(out, block);
}

template <class Format>
void encode_affine(const BlockInput& in, std::uint8_t* block) {
  constexpr int kMax = (1 << Format::kBits) - 1;
  SmallBlock out;
  if (!in.importance.empty()) {
    const OffsetSearch search{.max_code = kMax, .first = -0.9F, .step = 0.05F, .n_steps = 36};
    const auto grid = offset_scale(in.x, weights_of(in), search, out.codes);
    out.d = grid.scale;
    out.m = grid.offset;
  } else {
    const auto [low, high] = std::ranges::minmax(in.x);
    out.d = (high - low) / static_cast<float>(kMax);
    out.m = low;
    const float inverse = inverse_of(out.d);
    for (std::size_t i = 0; i < in.x.size(); ++i) {
      const auto code = static_cast<int>((in.x[i] - low) * inverse + 0.5F);
      out.codes[i] = static_cast<std::uint8_t>(std::min(kMax, code));
    }
  }
  Format::pack(out, block);
}

}  // namespace

void encode_q4_0(const BlockInput& in, std::uint8_t* block) {
  encode_symmetric<codec::Q4_0>(in, block);
}

void encode_q4_1(const BlockInput& in, std::uint8_t* block) {
  encode_affine<codec::Q4_1>(in, block);
}

void encode_q5_0(const BlockInput& in, std::uint8_t* block) {
  encode_symmetric<codec::Q5_0>(in, block);
}

void encode_q5_1(const BlockInput& in, std::uint8_t* block) {
  encode_affine<codec::Q5_1>(in, block);
}

void encode_q8_0(const BlockInput& in, std::uint8_t* block) {
  float peak = 0.0F;
  for (const float v : in.x) {
    peak = std::max(peak, std::fabs(v));
  }
  SmallBlock out{.d = peak / 127.0F};
  const float inverse = inverse_of(out.d);
  for (std::size_t i = 0; i < in.x.size(); ++i) {
    out.codes[i] = static_cast<std::uint8_t>(std::lround(in.x[i] * inverse) + 128);
  }
  codec::Q8_0::pack(out, block);
}

}  // namespace nibble::quant
