/// The results of a run as lm-evaluation-harness writes them: `results_<time>.json`.
///
/// Everything that lm-eval has no place for lies under the key "nibble": interval, unanswered
/// samples, protocol, hash of the data, flags, arithmetic, hashes of weights and tokenizer. Keys
/// that mean nothing here (git_hash, transformers_version, …) are there and null, so that readers
/// of lm-eval's files find what they look for.
///
/// A task with subjects is a row for each subject and one for each group, whose scores are means
/// over all its questions and whose standard errors are lm-eval's pooled ones.
///
/// Units      times in seconds; `started` since 1970-01-01 UTC
/// Errors     none
/// Source     lm-evaluation-harness 0.4.13: EvalResults, Group.aggregate, EvaluationTracker
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eval/evaluate.h"

namespace nibble::eval {

/// What ran.
struct LmEvalRun {
  std::string model;  ///< as it was given: a path
  std::string model_hash{}, tokenizer_hash{}, weight_types{};
  std::string chat_template{};  ///< that was applied; "": none
  std::string system{};         ///< system message; "": none
  bool is_multiturn = true;     ///< of solved examples, where there is a template
  std::size_t n_parameters = 0;
  std::size_t max_length = 0;
  std::size_t limit = 0;  ///< 0: none
  /// "pad", "eos", "bos": spelling and id.
  std::map<std::string, std::pair<std::string, std::int32_t>, std::less<>> special_tokens{};
  std::map<std::string, std::string, std::less<>> conditions{};  ///< under "nibble"
  double started = 0;
  double seconds = 0;  ///< NaN: not known
};

/// What came out on one task, or on one subject of it.
struct LmEvalTask {
  const TaskInfo* info = nullptr;  ///< of the whole task
  std::vector<MetricSummary> metrics;
  std::size_t n_samples = 0;
  std::string sample_hashes;                                ///< LmEvalSample::hashes, joined
  std::map<std::string, std::size_t, std::less<>> flags{};  ///< samples by flag
  bool is_at_chance = false;
  const TaskPartInfo* part = nullptr;  ///< the subject; nullptr: the whole task

  [[nodiscard]] const std::string& name() const {
    return part != nullptr ? part->name : info->name;
  }
};

/// Tasks that lm-eval sums up.
struct LmEvalGroup {
  std::string name, alias;
  std::vector<std::string> children;  ///< groups or tasks
  std::vector<std::string> tasks;     ///< all tasks below it
  int version = 0;
  /// Of the group that was asked for: intervals and flags of the task as a whole; nullptr: none.
  const LmEvalTask* whole = nullptr;
};

/// The groups of a task with subjects, the largest first; `whole` must outlive them.
std::vector<LmEvalGroup> lm_eval_groups(const LmEvalTask& whole);

/// Indented by two, as lm-eval writes it.
std::string lm_eval_results(const LmEvalRun& run,
                            std::span<const LmEvalTask> tasks,
                            std::span<const LmEvalGroup> groups = {});

/// The folder of a model: its path with each run of slashes and of \"<>:|?*[] as "__".
std::string lm_eval_model_folder(std::string_view model);

/// "2026-01-31T12-30-59.123456", in local time: the end of both kinds of file names.
std::string lm_eval_time(double seconds_since_1970);

}  // namespace nibble::eval
