/// Which option each part of a model gets, so that the sum of losses is least under a budget of
/// bytes: a knapsack with one choice a part.
///
///   minimise  sum of loss[u][c(u)]   subject to   sum of bytes[u][c(u)] <= budget
///
/// Solved part by part over the sums that no other beats in both bytes and loss. That is exact
/// while at most `kMostSums` of them are kept; where more arise, the least loss of each step of
/// bytes is kept, and the result says so.
///
/// Requires   every part has an option; losses are finite
/// Threads    pure function
/// Errors     kUnsupported names the least bytes where the budget is below them
/// Source     dynamic programming with dominance; our own code
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"

namespace nibble::quant {

struct PartOption {
  std::size_t bytes = 0;
  double loss = 0;
};

struct Allocation {
  std::vector<std::size_t> choices;  ///< of each part
  std::size_t bytes = 0;
  double loss = 0;
  bool is_exact = true;
};

inline constexpr std::size_t kMostSums = 1U << 16U;

Result<Allocation> allocate(std::span<const std::vector<PartOption>> parts,
                            std::size_t budget_bytes,
                            std::size_t most_sums = kMostSums);

}  // namespace nibble::quant
