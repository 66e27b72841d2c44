#include "kernels/neon/probes.h"

#include <arm_neon.h>

namespace nibble::kernels::neon {
namespace {

constexpr int kRounds = 1000;
constexpr int kChains = 8;
constexpr double kSteps = 1.0 * kRounds * kChains;

/// `step` on eight registers that do not depend on each other.
template <class Register, class Step>
void repeat(Register start, const Step& step) noexcept {
  Register a = start, b = start, c = start, d = start;
  Register e = start, f = start, g = start, h = start;
  for (int i = 0; i < kRounds; ++i) {
    a = step(a), b = step(b), c = step(c), d = step(d);
    e = step(e), f = step(f), g = step(g), h = step(h);
    asm volatile("" : "+w"(a), "+w"(b), "+w"(c), "+w"(d), "+w"(e), "+w"(f), "+w"(g), "+w"(h));
  }
}

void multiply_add() noexcept {
  const float32x4_t x = vdupq_n_f32(0.5F);
  repeat(x, [x](float32x4_t sum) { return vfmaq_f32(x, sum, x); });
}

void dot_int8() noexcept {
  const int8x16_t x = vdupq_n_s8(3);
  repeat(vdupq_n_s32(0), [x](int32x4_t sum) { return vdotq_s32(sum, x, x); });
}

constexpr PeakProbe kPeaks[] = {
    {"float32 multiply-add", "fmla 4s", 8 * kSteps, &multiply_add},
    {"int8 dot product", "sdot 4s", 32 * kSteps, &dot_int8},
};

std::uint64_t read(const std::byte* bytes, std::size_t n_bytes) noexcept {
  constexpr std::size_t kRegisters = 8;
  constexpr std::size_t kStep = kRegisters * sizeof(uint64x2_t);
  uint64x2_t sums[kRegisters];
  for (uint64x2_t& sum : sums) {
    sum = vdupq_n_u64(0);
  }
  std::size_t at = 0;
  for (; at + kStep <= n_bytes; at += kStep) {
    const auto* next = reinterpret_cast<const std::uint8_t*>(bytes + at);
    for (std::size_t k = 0; k < kRegisters; ++k) {
      sums[k] = veorq_u64(sums[k], vreinterpretq_u64_u8(vld1q_u8(next + k * sizeof(uint64x2_t))));
    }
  }
  std::uint64_t sum = 0;
  for (const uint64x2_t& lanes : sums) {
    sum ^= vgetq_lane_u64(lanes, 0) ^ vgetq_lane_u64(lanes, 1);
  }
  for (; at < n_bytes; ++at) {
    sum ^= static_cast<std::uint64_t>(bytes[at]) << 8 * (at % 8);
  }
  return sum;
}

}  // namespace

constinit const Probes kProbes = {kPeaks, &read};

}  // namespace nibble::kernels::neon
