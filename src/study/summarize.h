/// From observations to what a report quotes: values with intervals, and paired differences to the
/// reference.
///
/// Only complete units are summarised. Holm's correction covers all comparisons of headline metrics
/// (the first of each task) as one family, and all comparisons of the other metrics as another.
/// Differences of scores that are right or wrong have Tango's interval, others a bootstrap's.
/// Tasks that measure the distance from the reference are not compared with it. Searches are
/// compared with those of the first retriever.
///
/// Errors     those of the store; kCorruptData for a transform that is not known
/// Source     eval/stats
#pragma once

#include <vector>

#include "store/store.h"

namespace nibble::study {

/// For the units of the store's plan; the first variant is the reference. What the store holds
/// already of complete units is taken over, all but the adjusted p-values, so calling this again
/// costs a walk over the plan and what is new.
std::vector<store::SummaryRecord> summarize(const store::Store& store);

}  // namespace nibble::study
