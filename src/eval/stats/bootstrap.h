/// Percentile bootstrap of any statistic of samples that are drawn together: questions with all
/// their lengths, positions and variants.
///
/// Precision  replicates without a value (NaN) are left out; bounds are NaN for fewer than two
///            samples and where more than half of the replicates have none
/// Threads    pure functions
/// Errors     none
/// Source     Efron 1979; our own code
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/function_ref.h"
#include "eval/stats/interval.h"

namespace nibble::eval::stats {

/// The statistic of the samples of those numbers, some more than once.
using Statistic = FunctionRef<double(std::span<const std::uint32_t> samples)>;

Interval bootstrap_interval(std::size_t n_samples,
                            Statistic statistic,
                            const ResampleOptions& options = {});

}  // namespace nibble::eval::stats
