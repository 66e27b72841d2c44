/// Whether it matters where in the context the gold document stands: each question with the gold
/// document in every slot, at one length.
///
///   primacy = first - middle;  recency = last - middle;  U = (primacy + recency) / 2
///
/// `middle` is the mean over the slots between the first and the last. Intervals resample
/// questions. The omnibus test is Cochran's Q where all scores are 0 or 1, and always the
/// permutation of slots within questions on the variance of the slots' means.
///
/// Shapes     scores [questions, n_slots], contiguous
/// Precision  NaN for no question; U and its parts for fewer than three slots
/// Threads    pure functions
/// Errors     kInvalidArgument: scores that do not fill their rows
/// Source     reference/evaluation.md 4.4; Liu et al. 2023, arXiv 2307.03172
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "eval/stats/cochran.h"
#include "eval/stats/interval.h"

namespace nibble::rag {

struct PositionEffect {
  std::vector<double> means;  ///< of each slot
  eval::stats::Interval u, primacy, recency;
  std::optional<eval::stats::CochranTest> cochran;
  double permutation_p = 0.0;
};

PositionEffect position_effect(std::span<const double> scores,
                               std::size_t n_slots,
                               const eval::stats::ResampleOptions& options = {});

/// U of the variant less U of the reference, on the same questions.
eval::stats::Interval u_difference(std::span<const double> variant,
                                   std::span<const double> reference,
                                   std::size_t n_slots,
                                   const eval::stats::ResampleOptions& options = {});

}  // namespace nibble::rag
