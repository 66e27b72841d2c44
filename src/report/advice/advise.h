/// Which variant to deploy, and why: a pure function of a store and the limits.
///
/// Rule       of the variants that meet all limits, those that another of them dominates are left
///            out, and of the others the one with the least memory (or decoding time, energy, or
///            loss as a share of its margin) is taken; equal ones in the order of the study
/// Units      those of the facts
/// Errors     those of the limits and of the store
/// Source     our own; docs/guide/recommend.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/advice/facts.h"
#include "report/advice/limits.h"
#include "report/advice/verdict.h"

namespace nibble::report {

enum class AdviceStatus : std::uint8_t {
  kRecommended,
  kNone,       ///< every variant fails a limit
  kUndecided,  ///< none is shown to meet all limits, and some may
};

struct Candidate {
  const Variant* variant = nullptr;
  Verdict verdict = Verdict::kUndecided;
  std::vector<Judgement> judgements;
  std::vector<std::string> dominated_by;  ///< names; empty: on the front
};

/// The winner against the runner-up in one number.
struct WinnerMargin {
  std::string what;  ///< "peak memory", "acc on arc_easy"
  std::string unit;  ///< "": the metric has none
  double winner = 0, runner_up = 0;
  double difference = 0;            ///< winner - runner-up
  std::optional<double> low, high;  ///< 95 %; none: the number is exact, or n carries no interval
  std::size_t n = 0;                ///< samples, or repetitions of the winner; 0: exact
  bool higher_is_better = false;
};

struct Advice {
  AdviceStatus status = AdviceStatus::kUndecided;
  std::string rule;
  std::vector<CountedTask> tasks;     ///< with the losses that are accepted
  std::vector<Candidate> candidates;  ///< in the order of the study
  std::optional<std::size_t> winner, runner_up;
  std::vector<WinnerMargin> margins;
  /// Undecided variants that the rule would take before the winner if they met the limits.
  std::vector<std::size_t> might_be_better;
};

/// `data` is what `gather` made of the store, and must outlive the result.
Advice advise(const store::Store& store, const Data& data, const Limits& limits);

/// "recommended", "none", "undecided".
std::string_view status_name(AdviceStatus status);

}  // namespace nibble::report
