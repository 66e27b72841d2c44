/// Results files in lm-evaluation-harness's layout, made from a store.
///
///   folder/samples_<task>_<time>.jsonl    one a task, a line a sample and filter; tasks with
///                                         subjects: one a subject
///   folder/results_<time>.json            written last: where it is, the samples are complete
///
/// Errors     kIo; those of the store; kCorruptData where stored responses do not fit the task
/// Source     eval/results
#pragma once

#include <filesystem>
#include <span>

#include "eval/results/lm_eval_results.h"
#include "study/task_run.h"

namespace nibble::study {

/// The tokens that lm-eval's results name.
decltype(eval::LmEvalRun::special_tokens) lm_eval_tokens(const text::Tokenizer& tokenizer);

/// The path of the results file.
std::filesystem::path write_lm_eval_files(const std::filesystem::path& folder,
                                          const eval::LmEvalRun& run,
                                          const store::Store& store,
                                          std::span<const TaskOutcome> outcomes);

}  // namespace nibble::study
