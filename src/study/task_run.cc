#include "study/task_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/hash.h"
#include "study/sample_record.h"

namespace nibble::study {
namespace {

using Clock = std::chrono::steady_clock;

/// Samples wait at most this long, and in such numbers, for the transaction that stores them.
constexpr std::chrono::seconds kFlushInterval{2};
constexpr std::size_t kFlushSamples = 64;

class Writer {
 public:
  Writer(store::Store& store, const std::string& unit) : store_(store), unit_(unit) {}
  void add(store::SampleRecord record) {
    waiting_.push_back(std::move(record));
    if (waiting_.size() >= kFlushSamples || Clock::now() - last_ >= kFlushInterval) {
      flush();
    }
  }
  void flush() {
    store_.add_samples(unit_, waiting_);
    waiting_.clear();
    last_ = Clock::now();
  }

 private:
  store::Store& store_;
  const std::string& unit_;
  std::vector<store::SampleRecord> waiting_;
  Clock::time_point last_ = Clock::now();
};

std::vector<std::size_t> missing(const store::Store& store,
                                 const std::string& unit,
                                 const eval::Task& task) {
  const auto stored = store.sample_indexes(unit);
  const std::set<std::size_t> done(stored.begin(), stored.end());
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < task.n_samples(); ++i) {
    if (!done.contains(i)) {
      out.push_back(i);
    }
  }
  return out;
}

std::string model_id(const JudgedModel& model) {
  Sha256 hash;
  for (const std::string_view field : {std::string_view("judged model"),
                                       std::string_view(model.model_hash),
                                       std::string_view(model.tokenizer_hash),
                                       std::string_view(model.arithmetic),
                                       std::string_view(model.kv),
                                       std::string_view(model.program),
                                       std::string_view(model.reference_hash),
                                       std::string_view(model.device),
                                       std::string_view(model.add_bos ? "BOS" : "no BOS")}) {
    hash.field(field);
  }
  return hash.hex();
}

std::vector<eval::SampleScores> stored_scores(const store::Store& store,
                                              const std::string& unit,
                                              const eval::Task& task) {
  std::vector<eval::SampleScores> samples(task.n_samples());
  for (const eval::MetricRow& metric : task.info().metrics) {
    for (const store::ScoreRow& row : store.scores(unit, metric.name)) {
      samples.at(row.index)[metric.name] =
          row.ratio ? std::optional(eval::Contribution{row.ratio->sum, row.ratio->weight})
                    : std::nullopt;
    }
  }
  return samples;
}

}  // namespace

store::Plan task_plan(const JudgedModel& model, TaskList tasks) {
  store::Plan plan;
  const std::string id = model_id(model);
  plan.variants.push_back({id, model.name, "none", "", "", {}});
  for (const auto& task : tasks) {
    plan.tasks.push_back(task_record(*task));
    const std::string& task_id = plan.tasks.back().id;
    plan.units.push_back({Sha256().field("unit").field(id).field(task_id).hex(), id, task_id, ""});
  }
  return plan;
}

std::vector<store::Condition> task_conditions(const JudgedModel& model) {
  return {{"model", model.name, false},
          {"source weights", "SHA-256 " + model.model_hash, false},
          {"weights", model.weight_types, false},
          {"tokenizer", "SHA-256 " + model.tokenizer_hash, false},
          {"arithmetic", model.arithmetic, false},
          {"keys and values", model.kv, false},
          {"BOS in front", model.add_bos ? "yes" : "no", false},
          {"device", model.device, false},
          {"kernels", model.kernels, false},
          {"program", model.program, false}};
}

void run_task(store::Store& store,
              const std::string& unit,
              eval::Engine& engine,
              const eval::Task& task,
              ProgressSink& progress) {
  const std::vector<std::size_t> indices = missing(store, unit, task);
  if (indices.size() < task.n_samples()) {
    progress.note(fmt::format("{}: {} of {} samples are stored already",
                              task.info().name,
                              task.n_samples() - indices.size(),
                              task.n_samples()));
  }
  progress.begin(task.info().name, indices.size());
  Writer writer(store, unit);
  try {
    eval::run_samples(
        engine, task, indices, [&](const eval::Sample& sample, const eval::SampleResult& result) {
          writer.add(sample_record(sample, result));
          progress.advance(1);
        });
  } catch (...) {
    writer.flush();
    progress.end();
    throw;
  }
  writer.flush();
  progress.end();
}

TaskOutcome task_outcome(const store::Store& store,
                         const std::string& unit,
                         const eval::Task& task) {
  TaskOutcome out{&task, unit, {}, task.n_samples(), {}, {}, false};
  out.metrics = eval::summarize(task.info(), stored_scores(store, unit, task));
  out.cut = store.cut_samples(unit);
  out.doubts = store.doubtful_samples(unit);
  const auto acc = std::ranges::find_if(
      out.metrics, [](const eval::MetricSummary& row) { return row.metric.name == "acc"; });
  out.is_at_chance =
      acc != out.metrics.end() && eval::is_at_chance(acc->interval.low, out.doubts.chance);
  return out;
}

std::vector<std::vector<eval::MetricSummary>> part_metrics(const store::Store& store,
                                                           const TaskOutcome& outcome) {
  const eval::TaskInfo& info = outcome.task->info();
  const auto scores = stored_scores(store, outcome.unit, *outcome.task);
  std::vector<std::vector<eval::MetricSummary>> out;
  for (const eval::TaskPartInfo& part : info.parts) {
    out.push_back(eval::summarize(info, std::span(scores).subspan(part.first, part.n_samples)));
  }
  return out;
}

}  // namespace nibble::study
