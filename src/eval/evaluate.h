/// One task on one model: samples asked, answers scored, scores summed up with their intervals.
///
/// Threads    one call at a time
/// Errors     those of the engine and of the task
/// Source     our own
#pragma once

#include <span>
#include <vector>

#include "base/function_ref.h"
#include "eval/engine.h"
#include "eval/stats/interval.h"
#include "eval/task.h"

namespace nibble::eval {

/// Answers the samples with these numbers. `on_sample` is called once for each, as soon as its last
/// response is known; a sample that raises ends the call.
void run_samples(Engine& engine,
                 const Task& task,
                 std::span<const std::size_t> indices,
                 FunctionRef<void(const Sample& sample, const SampleResult& result)> on_sample);

/// The task's scores, and what the responses say of requests and answers that were cut.
SampleResult score_sample(const Task& task,
                          const Sample& sample,
                          std::span<const Response> responses);

struct MetricSummary {
  MetricRow metric;
  stats::Interval interval;      ///< over the answered samples
  std::size_t n_unanswered = 0;  ///< counted, never averaged
  /// As lm-eval gives it: of the mean or of its exponential (bootstrapped) for scores of equal
  /// weights, NaN ("N/A") for ratios of sums.
  double standard_error = 0;
};

/// A row for each metric of the task, in its order; behind them best_exact and best_f1 of a task
/// whose questions may have no answer (metrics/best_threshold.h).
std::vector<MetricSummary> summarize(const TaskInfo& info,
                                     std::span<const SampleScores> scores,
                                     const stats::ResampleOptions& options = {});

}  // namespace nibble::eval
