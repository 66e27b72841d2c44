// Activations into tiles: float32, and int8 with a scale for each block.
#include "kernels/neon/linear.h"
#include "kernels/neon/math.h"
#include "kernels/pack_tiles.h"

namespace nibble::kernels::neon {
namespace {

constexpr std::size_t kVectors = 8;  ///< of four floats: the longest block

/// Codes of one block of one token, and its scale and sum behind them.
void pack_block(
    const PackTask& task, std::size_t t, const float* x, std::size_t n, std::byte* out) noexcept {
  float32x4_t values[kVectors];
  float32x4_t tops = vdupq_n_f32(0.0F);
  for (std::size_t v = 0; v < kVectors; ++v) {
    const std::size_t at = v * kLanes;
    values[v] = at < n ? load(x + at, n - at) : vdupq_n_f32(0.0F);
    tops = vmaxq_f32(tops, vabsq_f32(values[v]));  // a NaN stays
  }
  const float top = vmaxvq_f32(tops);
  const bool is_broken = !(top <= __FLT_MAX__);
  const float inverse = top > 0.0F && !is_broken ? 127.0F / top : 0.0F;
  int32x4_t codes[kVectors];
  int32x4_t sums = vdupq_n_s32(0);
  for (std::size_t v = 0; v < kVectors; ++v) {
    codes[v] = vcvtnq_s32_f32(vmulq_n_f32(values[v], inverse));
    sums = vaddq_s32(sums, codes[v]);
  }
  const std::size_t n_dwords = task.format->groups.block / 4;
  auto* dwords = reinterpret_cast<std::int32_t*>(out);
  for (std::size_t d = 0; d < n_dwords; d += 2) {
    const int16x8_t words = vcombine_s16(vmovn_s32(codes[d]), vmovn_s32(codes[d + 1]));
    const int32x2_t pair = vreinterpret_s32_s8(vmovn_s16(words));
    dwords[d * task.tile + t] = vget_lane_s32(pair, 0);
    dwords[(d + 1) * task.tile + t] = vget_lane_s32(pair, 1);
  }
  const std::int32_t sum = is_broken ? 0 : vaddvq_s32(sums);
  std::int32_t* inits = dwords + n_dwords * task.tile;
  auto* scales = reinterpret_cast<float*>(inits + task.tile);
  inits[t] = -task.format->zero * sum;
  scales[t] = is_broken ? __builtin_nanf("") : top / 127.0F;
  scales[task.tile + t] = scales[t] * static_cast<float>(sum);
}

}  // namespace

void pack_f32(const PackTask& task) noexcept {
  pack_columns(task);
}

void pack_int8(const PackTask& task) noexcept {
  pack_blocks(task, pack_block);
}

}  // namespace nibble::kernels::neon
