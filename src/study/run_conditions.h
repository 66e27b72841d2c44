/// Under which conditions a run's numbers came about, and where two runs differ.
///
/// A run is a results file (or the folder that holds it), nibble's own or lm-evaluation-harness's,
/// or a store of nibble (study.db, eval.db). What is judged (the model and its weights) may differ
/// between runs that are compared; everything else should not.
///
/// Errors     those of reading; Error(kNotFound) for a path that is neither
/// Source     our own
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace nibble::study {

/// Key to value; a condition that a file does not state is absent.
using RunConditions = std::map<std::string, std::string>;

RunConditions read_run_conditions(const std::filesystem::path& run);

struct ConditionDifference {
  std::string key;
  std::string a, b;         ///< "": not stated
  bool is_subject = false;  ///< says what is judged, not how
};

/// In the order of the keys.
std::vector<ConditionDifference> differing_conditions(const RunConditions& a,
                                                      const RunConditions& b);

}  // namespace nibble::study
