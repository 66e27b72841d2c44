/// What a deployment asks for: limits that a variant must meet, and what to prefer among those that
/// do.
///
/// Units      bytes, ms, J; margins as `Margin` says
/// Errors     kNotFound for a task that the store does not have (with the nearest one)
/// Source     our own
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/data.h"

namespace nibble::report {

/// The largest loss that is accepted on one task.
struct Margin {
  double amount = 0;
  bool is_relative =
      false;  ///< per cent of the reference's value; else points or the metric's unit
};

/// What is made as good as possible among the variants that meet all limits.
enum class Preference : std::uint8_t { kMemory, kSpeed, kEnergy, kQuality };

/// A limit that is not given binds nothing; losses are always limited, by these if by nothing else.
inline constexpr Margin kDefaultShareMargin{2, false};  ///< points
inline constexpr Margin kDefaultOtherMargin{5, true};   ///< per cent of perplexity and the like

struct Limits {
  std::optional<double> memory_bytes;                  ///< the most that may be resident
  std::optional<double> first_token_ms;                ///< median
  std::optional<double> first_token_p95_ms;            ///< 95th percentile
  std::optional<double> decode_ms;                     ///< median, a token
  std::optional<double> token_joules;                  ///< measured, a token of decoding
  std::map<std::string, Margin, std::less<>> margins;  ///< by task
  std::optional<Margin> other_margin;                  ///< of tasks that `margins` does not name
  std::vector<std::string> tasks;  ///< that count; empty: all but distances from the reference
  std::string device;              ///< that costs must have been measured on; "": whichever it was
  Preference prefer = Preference::kMemory;
};

/// Which tasks count, by position in `data`, each with its margin in the metric's own unit.
struct CountedTask {
  std::size_t index = 0;
  double margin = 0;
  std::string text;  ///< "2 points", "5 % of the reference's perplexity"
};

std::vector<CountedTask> counted_tasks(const Limits& limits, const Data& data);

std::string_view preference_name(Preference preference);

}  // namespace nibble::report
