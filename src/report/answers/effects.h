/// What length, position and attention do to the answers of one variant, from the values of single
/// questions.
///
/// Comparisons with the reference are paired: over the questions that both have a value of.
///
/// Units      scores in [0, 1]; slopes per 1,000 tokens; drift in bits
/// Precision  NaN as rag/attention and eval/stats have it: where nothing varies, bounds for too few
///            questions
/// Threads    pure functions
/// Source     reference/evaluation.md 4.4, 4.6, 4.7; rag/attention
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "eval/stats/correlation.h"
#include "eval/stats/interval.h"
#include "rag/attention/cliff.h"
#include "rag/attention/degradation.h"
#include "rag/attention/position.h"
#include "rag/attention/quality.h"
#include "report/answers/values.h"

namespace nibble::report {

/// Scores at one length.
struct AtLength {
  double tokens = 0;
  ByQuestion scores;
};

struct LengthEffect {
  rag::Degradation own{};
  std::optional<rag::RuleCliff> rule_cliff{};
  std::optional<rag::ModelCliff> model_cliff{};
  std::optional<rag::Degradation> extra{};  ///< of the differences to the reference
};

/// Both at the same lengths; nullptr for the reference itself.
LengthEffect length_effect(std::span<const AtLength> variant,
                           const std::vector<AtLength>* reference);

struct PositionChange {
  rag::PositionEffect own{};                      ///< of the questions asked at every position
  std::optional<eval::stats::Interval> change{};  ///< U less the reference's
};

/// Scores by position, first to last.
PositionChange position_change(std::span<const ByQuestion> variant,
                               const std::vector<ByQuestion>* reference);

/// What single questions of one task say; a question may lack any of them.
struct QuestionValues {
  ByQuestion f1, right;       ///< `right` is 0 or 1: a wanted answer stands in the answer
  ByQuestion p1, rank, lift;  ///< attention_p1, attention_rank, attention_lift
  ByQuestion drift;           ///< drift_mean
  ByQuestion depths;          ///< of the right document; the same for every variant
};

struct AttentionQuality {
  double median_rank = 0;
  std::size_t n = 0;                                      ///< questions with a rank
  eval::stats::Correlation p1_f1{};                       ///< Pearson
  eval::stats::Correlation rank_f1{};                     ///< Spearman
  eval::stats::Correlation lift_f1{};                     ///< Spearman within depths, pooled
  rag::AttentionSplit split{};                            ///< right answers, by lift
  std::optional<eval::stats::Interval> rank_f1_change{};  ///< less the reference's
};

AttentionQuality attention_quality(const QuestionValues& variant, const QuestionValues* reference);

struct DriftQuality {
  std::size_t n = 0;  ///< questions with a drift
  eval::stats::Interval right{}, wrong{};
  eval::stats::Correlation f1{};  ///< Spearman of drift and F1
};

DriftQuality drift_quality(const QuestionValues& variant);

}  // namespace nibble::report
