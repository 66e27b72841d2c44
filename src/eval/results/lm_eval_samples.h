/// Samples as lm-evaluation-harness logs them: the lines of `samples_<task>_<time>.jsonl`.
///
///   {doc_id, doc, target, arguments{gen_args_i{arg_0, arg_1}}, resps, filtered_resps, filter,
///    metrics, doc_hash, prompt_hash, target_hash, <metric>…}
///
/// A task whose answers are read in several ways has a line a sample for each, all samples of the
/// first filter before those of the second. A task that asks each question several times has the
/// answers as one list; its arguments stand once.
///
/// Hashes are SHA-256: of the document as JSON with two blanks of indent, of the first request's
/// context, of the target. A metric whose samples have weights is [sum, weight] in lm-eval's sign
/// (log-likelihood first). What was not answered is null.
///
/// Errors     kCorruptData for responses that are not those of the requests
/// Source     lm-evaluation-harness 0.4.13: evaluator.evaluate, EvaluationTracker
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "eval/task.h"

namespace nibble::eval {

struct LmEvalSample {
  std::string line;    ///< with its "\n"
  std::string hashes;  ///< document, prompt and target: what a task's hash is made of
};

/// At least one: how a text stands is a filter, too.
std::size_t n_filters(const TaskInfo& info);

/// "exact_match,strict-match" as the metric and its filter; "none" where there is no filter.
std::pair<std::string, std::string> metric_and_filter(const TaskInfo& info,
                                                      std::string_view metric);

/// `responses` as responses_json wrote them; `filter` is below n_filters; documents are counted
/// from the sample `first_index` on.
LmEvalSample lm_eval_sample(const Task& task,
                            const Sample& sample,
                            std::string_view responses,
                            const SampleScores& scores,
                            std::size_t filter = 0,
                            std::size_t first_index = 0);

}  // namespace nibble::eval
