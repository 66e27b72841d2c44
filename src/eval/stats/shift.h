/// By how much one set of repeated measurements is larger than another, without assuming a
/// distribution.
///
///   shift = median of a[i] - b[j] over all pairs
///   bounds: the k-th smallest and the k-th largest of them, k the largest number with
///           P(U < k) <= (1 - confidence) / 2,  U of Mann and Whitney where nothing differs
///
/// Exact where no two values are equal. Few values carry no bound: four against four give one at
/// 95 %, three against four do not.
///
/// Requires   values finite, neither span empty
/// Precision  bounds are NaN where there are too few values
/// Threads    pure function
/// Source     Hodges and Lehmann 1963; Bauer 1972 (the interval); Mann and Whitney 1947
#pragma once

#include "eval/stats/interval.h"

namespace nibble::eval::stats {

/// Of a - b; `n` is the number of pairs.
Interval shift_interval(std::span<const double> a,
                        std::span<const double> b,
                        double confidence = 0.95);

}  // namespace nibble::eval::stats
