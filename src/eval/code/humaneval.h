/// HumanEval: the model ends a function, and the function's tests run in a sandbox.
///
///   program = prompt + completion + "\n" + tests + "\n" + "check(" + entry point + ")"
///   pass@k  = chance that one of k completions comes to its end (metrics/pass_at_k.h), mean over
///             problems
///
/// One greedy completion a problem, or several that are drawn. It is no row of the table of tasks,
/// because it runs code that a model wrote: who makes it has been told that this is wanted.
///
/// A completion that is drawn depends on the seed, the problem's name and its number among the
/// problem's, not on how many problems are asked.
///
/// Errors     Error(kUnsupported) without a sandbox (sandbox.h); Error(kInvalidArgument) for a k
///            above the number of completions, or several that would all be the same;
///            Error(kNotFound) and Error(kCorruptData) of the data file
/// Source     Chen et al. 2021, arXiv 2107.03374; lm-evaluation-harness 0.4.13 `humaneval`,
///            `humaneval_64`
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "eval/task.h"

namespace nibble::eval {

inline constexpr std::string_view kHumanEval = "humaneval";

struct CodeSampling {
  std::size_t n_samples = 1;      ///< completions of each problem
  std::vector<std::size_t> ks{};  ///< of pass@k; none: 1, and n_samples where that is more
  /// None: greedy for one completion, else 0.2 and 0.95 as in `humaneval_64`.
  std::optional<double> temperature{}, top_p{};
  std::uint64_t seed = 0;
};

/// Reads humaneval/HumanEval.jsonl below the data folder.
std::unique_ptr<Task> make_humaneval(const TaskOptions& options, const CodeSampling& sampling = {});

/// Raises Error(kInvalidArgument) where generated code was not allowed, Error(kUnsupported) where
/// it cannot be run. `how` says what allows it: "--allow-code".
void check_code_allowed(bool is_allowed, std::string_view how);

}  // namespace nibble::eval
