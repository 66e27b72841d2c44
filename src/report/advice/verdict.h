/// Whether a variant meets limits: yes, no, or not to be told from what was measured.
///
///   cost   met: value <= limit; failed: value > limit, or what it cannot be below is
///   loss   met: the upper end of its interval <= margin (non-inferiority at 2.5 %)
///          failed: the lower end > margin; undecided: the margin lies within the interval
///
/// A variant fails where one limit fails, is admissible where all are met, and is undecided
/// otherwise.
///
/// Errors     none
/// Source     reference/evaluation.md 4.9; Piaggio et al. 2012 (CONSORT, non-inferiority)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/advice/facts.h"
#include "report/advice/limits.h"

namespace nibble::report {

enum class Verdict : std::uint8_t { kMet, kFailed, kUndecided };

/// One limit on one variant.
struct Judgement {
  std::string limit;  ///< "peak memory", "loss on arc_easy"
  Verdict verdict = Verdict::kMet;
  std::string text;      ///< "0.5 points lost, −2.1 to 3.1 by the interval (n = 60)"
  std::string accepted;  ///< "2 points"
  std::optional<std::size_t> n_needed;  ///< samples or repetitions that would tell
  std::string task{};                   ///< "arc_easy"; "" for a cost
  double reach = 0;  ///< upper end of a loss as a share of what is accepted; 0: none known
};

/// "0.5 points lost, …; accepted: 2 points"
std::string text_of(const Judgement& judgement);

std::vector<Judgement> judge(const Facts& facts,
                             const Limits& limits,
                             const std::vector<CountedTask>& tasks,
                             const Data& data);

Verdict overall(const std::vector<Judgement>& judgements);

/// "met", "failed", "undecided".
std::string_view verdict_name(Verdict verdict);

/// Why costs say nothing of the device that was asked for; "" where they do. `device` matches a
/// part of the processor's or the device's name, in letters of any case.
std::string device_reason(const std::string& device, const Data& data);

}  // namespace nibble::report
