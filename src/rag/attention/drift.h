/// How attention to the documents moves while an answer is generated.
///
/// Step 0 is the prompt's last token, step t the position of generated token t. p_t is the share of
/// the documents at step t (document_mass.h), M_t = sum_j m_t,j what they get in all.
///
///   drift_t     Jensen-Shannon divergence of p_t and p_0, base 2       TV_t alike by variation
///   step_t      divergence of p_t and p_(t-1): wandering, where drift also tells one jump
///   relevant_t  p_0(gold) - p_t(gold)
///
/// Shapes     one entry for each step from 1 on; document_mass from step 0
/// Units      means are over the steps from 1 on; the slope is of drift_t on t with drift_0 = 0
/// Errors     kInvalidArgument: fewer than two steps, steps of different documents, no gold
/// Source     reference/evaluation.md 4.6
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "rag/attention/document_mass.h"
#include "rag/attention/preservation.h"

namespace nibble::rag {

struct Drift {
  std::vector<double> from_start, variation, step, from_relevant;
  std::vector<double> document_mass;
  std::vector<std::size_t>
      off_gold;  ///< steps, from 1 on, whose arg-max documents hold no gold one
};

struct DriftSummary {
  std::size_t n_steps = 0;  ///< from step 1 on
  double mean = 0.0, most = 0.0, last = 0.0;
  double slope = 0.0;  ///< a step
  double mean_variation = 0.0;
  double mean_step = 0.0;
  double mean_from_relevant = 0.0, last_from_relevant = 0.0;
  double share_off_gold = 0.0;
  std::optional<std::size_t> first_off_gold;
  double first_document_mass = 0.0, last_document_mass = 0.0;
};

/// `masses` of each step from 0 on; nullopt where the documents get nothing at some step.
std::optional<Drift> drift_of(std::span<const Scores> masses, Gold gold);
DriftSummary summarize(const Drift& drift);

}  // namespace nibble::rag
