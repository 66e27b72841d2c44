#include "eval/python_random.h"

#include <bit>
#include <numeric>
#include <unordered_set>

#include "base/error.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kSize = 624;
constexpr std::size_t kShift = 397;

}  // namespace

PythonRandom::PythonRandom(std::uint32_t seed) noexcept {
  state_[0] = 19650218U;
  const auto mixed = [&](std::size_t i) { return state_[i - 1] ^ (state_[i - 1] >> 30); };
  for (std::size_t i = 1; i < kSize; ++i) {
    state_[i] = 1812433253U * mixed(i) + static_cast<std::uint32_t>(i);
  }
  std::size_t i = 1;
  const auto advance = [&] {
    if (++i == kSize) {
      state_[0] = state_[kSize - 1];
      i = 1;
    }
  };
  for (std::size_t k = 0; k < kSize; ++k) {  // the key has one word, so its index adds 0
    state_[i] = (state_[i] ^ (mixed(i) * 1664525U)) + seed;
    advance();
  }
  for (std::size_t k = 0; k + 1 < kSize; ++k) {
    state_[i] = (state_[i] ^ (mixed(i) * 1566083941U)) - static_cast<std::uint32_t>(i);
    advance();
  }
  state_[0] = 0x80000000U;
}

void PythonRandom::refill() noexcept {
  for (std::size_t i = 0; i < kSize; ++i) {
    const std::uint32_t joined =
        (state_[i] & 0x80000000U) | (state_[(i + 1) % kSize] & 0x7fffffffU);
    const std::uint32_t twist = (joined & 1U) != 0 ? 0x9908b0dfU : 0U;
    state_[i] = state_[(i + kShift) % kSize] ^ (joined >> 1) ^ twist;
  }
  used_ = 0;
}

std::uint32_t PythonRandom::next() noexcept {
  if (used_ == kSize) {
    refill();
  }
  std::uint32_t y = state_[used_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680U;
  y ^= (y << 15) & 0xefc60000U;
  return y ^ (y >> 18);
}

double PythonRandom::uniform() noexcept {
  const std::uint32_t high = next() >> 5;
  const std::uint32_t low = next() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;  // (high 2^26 + low) / 2^53
}

std::size_t PythonRandom::below(std::size_t n) noexcept {
  const auto n_bits = static_cast<int>(std::bit_width(n));
  std::size_t drawn = n;
  while (drawn >= n) {
    drawn = next() >> (32 - n_bits);
  }
  return drawn;
}

std::vector<std::size_t> PythonRandom::sample(std::size_t population, std::size_t count) {
  if (count > population || population > 0xffffffffU) {
    raise(ErrorCode::kInvalidArgument,
          "{} solved examples wanted, the pool has {}",
          count,
          population);
  }
  std::size_t set_size = 21;
  if (count > 5) {
    std::size_t power = 1;  // 4^ceil(log4(3 count))
    while (power < 3 * count) {
      power *= 4;
    }
    set_size += power;
  }
  std::vector<std::size_t> drawn;
  if (population <= set_size) {
    std::vector<std::size_t> pool(population);
    std::iota(pool.begin(), pool.end(), std::size_t{0});
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t j = below(population - i);
      drawn.push_back(pool[j]);
      pool[j] = pool[population - i - 1];
    }
    return drawn;
  }
  std::unordered_set<std::size_t> seen;
  while (drawn.size() < count) {
    const std::size_t j = below(population);
    if (seen.insert(j).second) {
      drawn.push_back(j);
    }
  }
  return drawn;
}

}  // namespace nibble::eval
