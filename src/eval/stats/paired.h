/// A variant against the reference model on the same samples.
///
/// The interval resamples pairs, so what the two share cancels; it is usually several times
/// narrower than the two single intervals suggest. The p-value exchanges the two members of each
/// pair at random: under "no difference" the labels carry no information. For scores with equal
/// weights this is the sign-flip test on the per-sample differences.
///
///   p = (1 + #{|f(variant') - f(reference')| >= observed}) / (1 + replicates)
///
/// Requires   variant[i] and reference[i] are the same sample, both answered; every weight > 0
/// Precision  bounds, standard error and p are NaN for fewer than two samples
/// Threads    pure functions
/// Errors     kInvalidArgument for spans of different lengths or a weight that is not positive
/// Source     Efron and Tibshirani 1993, chapters 15 and 16; our own code
#pragma once

#include "eval/stats/interval.h"

namespace nibble::eval::stats {

struct PairedDifference {
  double variant;
  double reference;
  double difference;  ///< variant - reference
  double low;
  double high;
  double standard_error;  ///< of the difference, from the bootstrap
  double p_value;
  std::size_t n;
};

PairedDifference paired_difference(std::span<const Contribution> variant,
                                   std::span<const Contribution> reference,
                                   Transform transform,
                                   const ResampleOptions& options = {});

}  // namespace nibble::eval::stats
