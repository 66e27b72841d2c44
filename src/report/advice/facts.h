/// What a store says of each variant that a limit may ask for: costs, and losses with the bounds
/// that their samples carry.
///
///   loss  = how much worse than the reference, above 0 for worse, in the metric's unit
///   right or wrong      bounds by Tango's interval, from answers lost and gained
///   other shares        bounds of the bootstrap, but no closer than samples that differ allow: a
///                       bootstrap of pairs that are nearly all equal sees no spread
///   perplexity and such bounds of the bootstrap, from kLeastPairs samples on
///   distances           the value itself with its interval
///
/// Units      bytes, ms, J/token; losses in the metric's unit; intervals 95 %
/// Errors     none: what is not known has a reason
/// Source     eval/stats; what "no loss shown" is worth: docs/guide/recommend.md
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "report/data.h"

namespace nibble::report {

/// Fewer pairs of a score without bounds give no interval worth the name.
inline constexpr std::size_t kLeastPairs = 20;

/// A cost, or why there is none. `least` is what it cannot be below, where that is known.
struct Cost {
  std::optional<double> value;
  std::optional<double> least;
  std::string reason;
  std::optional<std::size_t> n_needed;  ///< repetitions that would tell
};

struct Loss {
  std::optional<double> seen, low, high;
  std::string reason;    ///< why there are no bounds; `seen` may be there all the same
  std::size_t n = 0;     ///< pairs
  double deviation = 0;  ///< of the loss of one pair
  bool is_share = false;
};

struct Facts {
  const Variant* variant = nullptr;
  Cost memory;  ///< most resident while it ran; `least`: its packed weights
  Cost first_token, first_token_p95, decode, energy;
  std::vector<Loss> losses;  ///< parallel to the tasks
};

/// In the order of the variants. `data` must outlive the result.
std::vector<Facts> facts_of(const Data& data);

/// Pairs that would tell whether the loss is within the margin, with 80 % power, if what was seen
/// is the truth. nullopt: the loss seen is the margin, or nothing is known.
std::optional<std::size_t> pairs_needed(const Loss& loss, double margin);

}  // namespace nibble::report
