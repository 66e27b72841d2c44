/// One model on many tasks, into a store: what `nibble eval` does. A run that was stopped goes on
/// with the samples that are missing.
///
///   unit = H(weights, tokenizer, BOS, arithmetic, keys and values, reference, program, task)
///
/// Samples are stored in groups as they are answered, so a kill loses seconds of work. In
/// deterministic arithmetic a run that went on ends with the same records as one that was not
/// stopped; in native arithmetic last bits may differ, because other samples share a batch.
///
/// Errors     those of the engine, the tasks and the store; kCancelled after storing what is known
/// Source     our own
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "eval/evaluate.h"
#include "store/store.h"

namespace nibble::study {

/// All that scores depend on besides the task.
struct JudgedModel {
  std::string name;  ///< for people
  std::string model_hash, tokenizer_hash, weight_types;
  std::string arithmetic, kv, program, kernels;
  std::string reference_hash;  ///< of the model that divergence compares with; "": none
  bool add_bos = false;
  std::string device = "cpu";  ///< what ran it: "cpu", "cuda:0"
};

/// Of every task, in order: where its samples are.
using TaskList = std::span<const std::unique_ptr<eval::Task>>;
store::Plan task_plan(const JudgedModel& model, TaskList tasks);
std::vector<store::Condition> task_conditions(const JudgedModel& model);

/// Answers what the store lacks of a unit of its plan.
void run_task(store::Store& store,
              const std::string& unit,
              eval::Engine& engine,
              const eval::Task& task,
              ProgressSink& progress);

/// What a complete unit says.
struct TaskOutcome {
  const eval::Task* task = nullptr;
  std::string unit;
  std::vector<eval::MetricSummary> metrics;
  std::size_t n_samples = 0;
  store::CutCounts cut;
  store::DoubtCounts doubts;
  bool is_at_chance = false;  ///< the share of right choices cannot be told from guessing
};
TaskOutcome task_outcome(const store::Store& store,
                         const std::string& unit,
                         const eval::Task& task);

/// The metrics of each part of a complete unit's task, in their order.
std::vector<std::vector<eval::MetricSummary>> part_metrics(const store::Store& store,
                                                           const TaskOutcome& outcome);

}  // namespace nibble::study
