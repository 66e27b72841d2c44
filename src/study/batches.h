/// How a unit's samples are cut into batches, the pieces that are stored in one transaction.
///
/// A batch depends on the task alone, not on what is stored already, so a study that was
/// interrupted asks the same questions together as one that was not, and gets the same numbers.
///
/// Source     our own
#pragma once

#include <cstddef>
#include <vector>

#include "eval/task.h"

namespace nibble::study {

/// A batch ends at whichever comes first; a longer sample is a batch of its own.
inline constexpr std::size_t kMaxBatchSamples = 32;
inline constexpr std::size_t kMaxBatchBytes = std::size_t{16}
                                              << 10;  ///< of distinct text, about 4,000 tokens

struct Batch {
  std::size_t first = 0;
  std::size_t n = 0;
};

std::vector<Batch> plan_batches(const eval::Task& task);

/// Bytes that a sample makes the model read; what contexts begin with in common counts once, within
/// a sample and from one of a batch to the next. A token counts four, and so does a token to
/// generate.
std::size_t sample_cost(const eval::Sample& sample);

}  // namespace nibble::study
