#include "kernels/avx512/probes.h"

#include <immintrin.h>

namespace nibble::kernels::avx512 {
namespace {

constexpr int kRounds = 1000;
constexpr int kChains = 8;
constexpr double kInstructions = 1.0 * kRounds * kChains;

/// `step` on eight registers that do not depend on each other.
template <class Register, class Step>
void repeat(Register start, const Step& step) noexcept {
  Register a = start, b = start, c = start, d = start;
  Register e = start, f = start, g = start, h = start;
  for (int i = 0; i < kRounds; ++i) {
    a = step(a), b = step(b), c = step(c), d = step(d);
    e = step(e), f = step(f), g = step(g), h = step(h);
    asm volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h));
  }
}

void multiply_add() noexcept {
  const __m512 x = _mm512_set1_ps(0.5F);
  repeat(x, [x](__m512 sum) { return _mm512_fmadd_ps(sum, x, x); });
}

void dot_bf16() noexcept {
  const auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3C10));
  repeat(_mm512_setzero_ps(), [x](__m512 sum) { return _mm512_dpbf16_ps(sum, x, x); });
}

void dot_int8() noexcept {
  const __m512i x = _mm512_set1_epi8(3);
  repeat(_mm512_setzero_si512(), [x](__m512i sum) { return _mm512_dpbusd_epi32(sum, x, x); });
}

constexpr PeakProbe kPeaks[] = {
    {"float32 multiply-add", "vfmadd231ps zmm", 32 * kInstructions, &multiply_add},
    {"bfloat16 dot product", "vdpbf16ps zmm", 64 * kInstructions, &dot_bf16},
    {"int8 dot product", "vpdpbusd zmm", 128 * kInstructions, &dot_int8},
};

std::uint64_t read(const std::byte* bytes, std::size_t n_bytes) noexcept {
  constexpr std::size_t kStep = 8 * sizeof(__m512i);
  __m512i sums[8] = {};
  std::size_t at = 0;
  for (; at + kStep <= n_bytes; at += kStep) {
    for (std::size_t k = 0; k < 8; ++k) {
      sums[k] = _mm512_xor_si512(sums[k], _mm512_loadu_si512(bytes + at + k * sizeof(__m512i)));
    }
  }
  std::uint64_t sum = 0;
  for (const __m512i& lane : sums) {
    std::uint64_t words[8];
    _mm512_storeu_si512(words, lane);
    for (const std::uint64_t word : words) {
      sum ^= word;
    }
  }
  for (; at < n_bytes; ++at) {
    sum ^= static_cast<std::uint64_t>(bytes[at]) << 8 * (at % 8);
  }
  return sum;
}

}  // namespace

constinit const Probes kProbes = {kPeaks, &read};

}  // namespace nibble::kernels::avx512
