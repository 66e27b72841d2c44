/// What a merge of stores says: alike in the commands that merge.
///
/// Source     our own
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/json.h"
#include "base/progress.h"
#include "study/merge.h"

namespace nibble::app {

Json merge_json(const std::filesystem::path& store, const study::MergeOutcome& outcome);

/// "all.db: 11 of 12 units are whole, 480 samples", and a line for each of the first 20 that are
/// not.
std::string merge_text(const std::filesystem::path& store, const study::MergeOutcome& outcome);

/// Notes of what was in more than one store.
void tell_repeated(const store::MergeCounts& counts, ProgressSink& progress);

}  // namespace nibble::app
