#include "kernels/avx2/probes.h"

#include <immintrin.h>

namespace nibble::kernels::avx2 {
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
    asm volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f), "+x"(g), "+x"(h));
  }
}

void multiply_add() noexcept {
  const __m256 x = _mm256_set1_ps(0.5F);
  repeat(x, [x](__m256 sum) { return _mm256_fmadd_ps(sum, x, x); });
}

/// Opaque to the compiler, or it would compute the products once, before the loop.
__m256i hide(__m256i x) noexcept {
  asm volatile("" : "+x"(x));
  return x;
}

void dot_int8() noexcept {
  const __m256i x = _mm256_set1_epi8(3);
  const __m256i ones = _mm256_set1_epi16(1);
  repeat(_mm256_setzero_si256(), [x, ones](__m256i sum) {
    const __m256i pairs = _mm256_maddubs_epi16(hide(x), x);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
  });
}

constexpr PeakProbe kPeaks[] = {
    {"float32 multiply-add", "vfmadd231ps ymm", 16 * kSteps, &multiply_add},
    {"int8 dot product", "vpmaddubsw + vpmaddwd + vpaddd ymm", 64 * kSteps, &dot_int8},
};

std::uint64_t read(const std::byte* bytes, std::size_t n_bytes) noexcept {
  constexpr std::size_t kStep = 8 * sizeof(__m256i);
  __m256i sums[8] = {};
  std::size_t at = 0;
  for (; at + kStep <= n_bytes; at += kStep) {
    for (std::size_t k = 0; k < 8; ++k) {
      sums[k] = _mm256_xor_si256(
          sums[k],
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + at + k * sizeof(__m256i))));
    }
  }
  std::uint64_t sum = 0;
  for (const __m256i& lane : sums) {
    std::uint64_t words[4];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(words), lane);
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

}  // namespace nibble::kernels::avx2
