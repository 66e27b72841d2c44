/// Samples as lm-evaluation-harness logs them: the lines of `samples_<task>_<time>.jsonl`.
///
///   {doc_id, doc, target, arguments{gen_args_i{arg_0, arg_1}}, resps, filtered_resps, filter,
///    metrics, doc_hash, prompt_hash, target_hash, <metric>…}
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

#include "eval/task.h"

namespace nibble::eval {

struct LmEvalSample {
  std::string line;    ///< with its "\n"
  std::string hashes;  ///< document, prompt and target: what a task's hash is made of
};

/// `responses` as responses_json wrote them.
LmEvalSample lm_eval_sample(const TaskInfo& info,
                            const Sample& sample,
                            std::string_view responses,
                            const SampleScores& scores);

}  // namespace nibble::eval
