/// Which variants no other beats on everything.
///
/// a dominates b where both have the same numbers, a is as good as b in all of them and better in
/// one. The numbers are what was seen: memory, first token, decoding, energy, and the loss on each
/// task that counts. A variant that lacks a number that another has is neither dominated by it nor
/// dominates it: what is missing might be better.
///
/// Errors     none
/// Source     Pareto dominance
#pragma once

#include <cstddef>
#include <vector>

#include "report/advice/facts.h"
#include "report/advice/limits.h"

namespace nibble::report {

bool dominates(const Facts& a, const Facts& b, const std::vector<CountedTask>& tasks);

/// Of each variant the positions of those that dominate it and are not dominated themselves.
/// Variants of which nothing is known (no file was made) are left out: nothing dominates them.
std::vector<std::vector<std::size_t>> dominators(const std::vector<Facts>& facts,
                                                 const std::vector<CountedTask>& tasks);

}  // namespace nibble::report
