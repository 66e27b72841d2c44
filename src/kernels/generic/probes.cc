#include "kernels/generic/probes.h"

#include <cstring>

namespace nibble::kernels::generic {
namespace {

constexpr int kRounds = 1000;
constexpr int kLanes = 32;  ///< eight registers of four floats where the compiler has them

void multiply_add() noexcept {
  float sums[kLanes] = {};
  float x = 0.5F;
  for (int i = 0; i < kRounds; ++i) {
    asm volatile("" : "+m"(x));  // opaque, or the loop would be computed while compiling
    for (float& sum : sums) {
      sum = sum * x + x;
    }
  }
  asm volatile("" : : "m"(sums));
}

constexpr PeakProbe kPeaks[] = {
    {"float32 multiply-add", "plain C++", 2.0 * kLanes* kRounds, &multiply_add},
};

std::uint64_t read(const std::byte* bytes, std::size_t n_bytes) noexcept {
  constexpr std::size_t kWords = 8;
  std::uint64_t sums[kWords] = {};
  std::size_t at = 0;
  for (; at + sizeof(sums) <= n_bytes; at += sizeof(sums)) {
    std::uint64_t words[kWords];
    std::memcpy(words, bytes + at, sizeof(words));
    for (std::size_t k = 0; k < kWords; ++k) {
      sums[k] ^= words[k];
    }
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t word : sums) {
    sum ^= word;
  }
  for (; at < n_bytes; ++at) {
    sum ^= static_cast<std::uint64_t>(bytes[at]) << 8 * (at % 8);
  }
  return sum;
}

}  // namespace

constinit const Probes kProbes = {kPeaks, &read};

}  // namespace nibble::kernels::generic
