/// Results and samples files read back, nibble's own or lm-evaluation-harness's.
///
/// A task's samples file is the one whose name ends with the same time as the results file. A
/// metric of a filter other than "none" is named "metric,filter", as in the results.
///
///   number          a score of weight 1
///   [a, weight]     a ratio of sums; perplexities and bits hold log-likelihoods, whose sign turns
///
/// A group of the results (mmlu) is a task, too, over the documents of all tasks below it; these
/// and the groups within it are its parts.
///
/// Errors     Error(kNotFound) names what was looked for; Error(kCorruptData) "file:line: reason";
///            Error(kInvalidArgument) for a folder that holds several models
/// Source     lm-evaluation-harness 0.4.13
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "eval/metric.h"

namespace nibble::eval {

struct LoggedSample {
  std::string document_hash, prompt_hash;
  SampleScores scores;
};

struct LoggedTask {
  std::string name;
  std::vector<MetricRow> metrics;               ///< in the order of the file
  std::map<std::size_t, LoggedSample> samples;  ///< by doc_id; in a group by task and doc_id
  bool is_part = false;                         ///< a group has its documents, too
};

struct LoggedRun {
  std::filesystem::path path;  ///< of the results file
  std::shared_ptr<const Json> results;
  std::vector<LoggedTask> tasks;
};

/// The newest results file of a folder, or of the only folder below it; a file is itself.
std::filesystem::path find_results_file(const std::filesystem::path& given);

LoggedRun read_logged_run(const std::filesystem::path& given);

}  // namespace nibble::eval
