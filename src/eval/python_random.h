/// Python's random numbers: lm-evaluation-harness draws solved examples and bootstrap samples with
/// them, and nibble draws the same.
///
/// Few-shot examples: one generator for a task, consumed question by question. `sample` draws
/// without replacement; its order is the order in the prompt.
///
/// Source     CPython random.Random(seed): Matsumoto and Nishimura 1998 (MT19937)
///            lm-evaluation-harness 0.4.13 ContextSampler, seed 1234
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nibble::eval {

inline constexpr std::uint32_t kFewShotSeed = 1234;

class PythonRandom {
 public:
  explicit PythonRandom(std::uint32_t seed) noexcept;
  std::uint32_t next() noexcept;
  /// random(): 53 bits in [0, 1).
  double uniform() noexcept;
  /// `count` different indices below `population`; kInvalidArgument when there are not so many.
  std::vector<std::size_t> sample(std::size_t population, std::size_t count);

 private:
  std::size_t below(std::size_t n) noexcept;
  void refill() noexcept;

  std::array<std::uint32_t, 624> state_{};
  std::size_t used_ = 624;
};

}  // namespace nibble::eval
