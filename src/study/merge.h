/// Several stores of one study as one, with its summaries.
///
/// The store that is there already under the name of the result takes part, so a merge may be
/// repeated, go on with more stores, and be killed at any moment: until the new file is whole the
/// old one stays, and the stores that were joined are only read.
///
/// Errors     those of store/merge.h; kIo where a study or another merge works in the folder
/// Source     our own
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "store/merge.h"

namespace nibble::study {

/// How much of a store's plan is there.
struct Completeness {
  std::size_t whole = 0, units = 0;
  std::size_t samples = 0;
  std::vector<std::string> missing{};  ///< "int4/arc_easy: 32 of 100 samples", "int4/speed"
};

Completeness completeness(const store::Store& store);

struct MergeOutcome {
  store::MergeCounts counts;
  Completeness completeness;
};

/// Joins `stores` into `target`, in the order given; the first may be the only one.
MergeOutcome merge_stores(const std::filesystem::path& target,
                          std::span<const std::filesystem::path> stores,
                          ProgressSink& progress);

}  // namespace nibble::study
