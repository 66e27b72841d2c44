/// How far the difference of two shares of right answers on the same samples may be from the one
/// seen.
///
///   T(d) = (gained - lost - n d) / sqrt(n (2 q(d) + d (1 - d)))
///   q(d) = the most likely share of lost answers where the difference is d
///   low, high: where T is +z and -z
///
/// Unlike a bootstrap it says something where no answer changed: with none of n lost, the share
/// that is lost may still be z^2 / (n + z^2).
///
/// Requires   lost + gained <= n
/// Precision  bounds to 1e-12; NaN for no samples
/// Threads    pure function
/// Source     Tango 1998, Statistics in Medicine 17:891
#pragma once

#include "eval/stats/flips.h"
#include "eval/stats/interval.h"

namespace nibble::eval::stats {

/// Of variant - reference, as a fraction; `confidence` is two-sided.
Interval paired_proportion_interval(const Flips& flips, double confidence = 0.95);

}  // namespace nibble::eval::stats
