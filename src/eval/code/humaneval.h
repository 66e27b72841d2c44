/// HumanEval: the model ends a function, and the function's tests run in a sandbox.
///
///   program = prompt + completion + "\n" + tests + "\n" + "check(" + entry point + ")"
///   pass@1  = share of problems whose program comes to its end
///
/// Greedy, one completion a problem. It is no row of the table of tasks, because it runs code that
/// a model wrote: who makes it has been told that this is wanted.
///
/// Errors     Error(kUnsupported) without a sandbox (sandbox.h); Error(kNotFound) and
///            Error(kCorruptData) of the data file
/// Source     Chen et al. 2021, arXiv 2107.03374; lm-evaluation-harness 0.4.13 `humaneval`
#pragma once

#include <memory>
#include <string_view>

#include "eval/task.h"

namespace nibble::eval {

inline constexpr std::string_view kHumanEval = "humaneval";

/// Reads humaneval/HumanEval.jsonl below the data folder.
std::unique_ptr<Task> make_humaneval(const TaskOptions& options);

}  // namespace nibble::eval
