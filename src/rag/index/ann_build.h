/// Brings the index of nearest neighbours up to date with the vectors of a file.
///
/// Where the vectors that it was made for still are the first ones, the others are added behind
/// them; else it is made anew. Centroids are learned again when there are more than twice as many
/// vectors as when they were learned. Some 100 000 vectors a time it is stored, and a stopped run
/// goes on from there.
///
/// Threads    ann_index.h
/// Errors     kOutOfMemory, before any work, where it would take more than is allowed;
///            kInvalidArgument for settings that do not fit the vectors; kCancelled
/// Source     our own
#pragma once

#include <optional>
#include <string>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "rag/index/index_file.h"
#include "rag/search/ann_settings.h"

namespace nibble::rag {

struct AnnRequest {
  std::optional<AnnSettings> settings = {};  ///< none: as the file has it
  double memory_bytes = 0.0;                 ///< that building may take; 0: any
  ThreadPool* pool = nullptr;                ///< wanted where there are vectors
};

struct AnnReport {
  std::string made = "flat";  ///< AnnSettings::text()
  std::size_t n_kept = 0;     ///< vectors whose place was known
  std::size_t n_added = 0;
  std::size_t n_bytes = 0;  ///< in the file
  double seconds = 0.0;
};

/// Refuses what `build_ann` would refuse, as soon as the passages are counted.
void check_ann_request(IndexFile& index, const AnnRequest& request);
/// All passages must have their vectors.
AnnReport build_ann(IndexFile& index, const AnnRequest& request, ProgressSink& progress);

}  // namespace nibble::rag
