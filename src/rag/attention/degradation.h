/// How answers get worse with the length of the context: the same questions at several lengths.
///
///   slope = sum (x - x_q) (y - y_q) / sum (x - x_q)^2,  x = tokens / 1000, x_q, y_q means of the
///   question: least squares with an effect of each question
///
/// The interval resamples questions. p permutes the lengths within each question:
/// p = (1 + #{|slope*| >= |slope|}) / (1 + replicates). Fed with differences of a variant and the
/// reference, the slope is the extra degradation of the variant.
///
///   r2_examples   share of the variation within questions that the line explains
///   r2_bins       share of the variation of the mean scores of the lengths, on their own line;
///                 adjusted = 1 - (1 - r2) (k - 1) / (k - 2); neither for fewer than 4 lengths
///
/// Units      scores in [0, 1], so slope in points per 1,000 tokens is 100 times it
/// Precision  NaN where nothing varies, and bounds for fewer than two questions
/// Threads    pure functions
/// Errors     kInvalidArgument: a question that is asked twice at one length
/// Source     reference/evaluation.md 4.4
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "eval/stats/interval.h"

namespace nibble::rag {

struct LengthScore {
  std::size_t question = 0;
  double tokens = 0.0;  ///< the length asked for
  double score = 0.0;
};

struct LengthMean {
  double tokens = 0.0;
  double score = 0.0;
  std::size_t n = 0;
};

struct Degradation {
  eval::stats::Interval slope;  ///< per 1,000 tokens; n: questions of more than one length
  double p_value = 0.0;
  double r2_examples = 0.0;
  std::optional<double> r2_bins, r2_bins_adjusted;
  std::vector<LengthMean> means;  ///< by length, ascending
};

Degradation degradation(std::span<const LengthScore> scores,
                        const eval::stats::ResampleOptions& options = {});

/// Mean scores by length, ascending.
std::vector<LengthMean> length_means(std::span<const LengthScore> scores);

/// The scores of each question, by length ascending; what the statistics resample.
std::vector<std::vector<LengthScore>> by_question(std::span<const LengthScore> scores);

}  // namespace nibble::rag
