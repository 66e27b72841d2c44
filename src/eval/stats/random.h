/// The generator of the resampling statistics: xoshiro256++, seeded through SplitMix64.
///
/// Fixed here, because a report must not change with the standard library's distributions.
///
/// Precision  `pair_below` maps 32 bits to [0, n) by multiplication; its bias is below n / 2^32
/// Source     Blackman and Vigna 2021, arXiv 1805.01407; Lemire 2019, arXiv 1805.10941
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

namespace nibble::eval::stats {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15U;
      std::uint64_t mixed = seed;
      mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
      word = mixed ^ (mixed >> 31);
    }
  }

  std::uint64_t next() noexcept {
    const std::uint64_t out = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return out;
  }

  /// Two independent indices below `n`.
  std::array<std::uint32_t, 2> pair_below(std::uint32_t n) noexcept {
    const std::uint64_t bits = next();
    const auto scaled = [n](std::uint64_t half) {
      return static_cast<std::uint32_t>((half * n) >> 32);
    };
    return {scaled(bits & 0xffffffffU), scaled(bits >> 32)};
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

/// Calls `f` with `n` independent indices below `n`: one resample of n samples.
template <class F>
void for_resample(std::uint32_t n, Random& random, const F& f) {
  for (std::uint32_t i = 0; i < n; i += 2) {
    const auto [a, b] = random.pair_below(n);
    f(a);
    if (i + 1 < n) {
      f(b);
    }
  }
}

/// Puts the values in a random order, each as likely (Fisher and Yates).
template <class Values>
void shuffle(Values&& values, Random& random) {
  for (std::size_t i = std::size(values); i > 1; --i) {
    std::swap(values[i - 1], values[random.pair_below(static_cast<std::uint32_t>(i))[0]]);
  }
}

}  // namespace nibble::eval::stats
