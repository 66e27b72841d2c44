/// What a store keeps of a task and of its samples.
///
/// Source     our own
#pragma once

#include "eval/task.h"
#include "store/records.h"

namespace nibble::study {

/// The id is the hash of name, version, protocol, data and number of samples.
store::TaskRecord task_record(const eval::Task& task);

store::SampleRecord sample_record(eval::Sample sample, eval::SampleResult result);

/// The scores of a stored sample, as its task gave them.
eval::SampleScores scores_of(const store::SampleRecord& record);

}  // namespace nibble::study
