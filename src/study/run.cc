#include "study/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <set>

#include "base/cancel.h"
#include "base/function_ref.h"
#include "study/answer_tasks.h"
#include "study/batches.h"
#include "study/conditions.h"
#include "study/sample_record.h"
#include "study/summarize.h"

namespace nibble::study {
namespace {

/// Failures that belong to one variant and leave the others meaningful.
bool is_variants_own(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kUnsupported:
    case ErrorCode::kShapeMismatch:
    case ErrorCode::kOutOfMemory:
    case ErrorCode::kCorruptData:
    case ErrorCode::kNotFound:
      return true;
    default:
      return false;
  }
}

/// Memory that runs out is an Error like the others.
void without_bad_alloc(FunctionRef<void()> f) {
  try {
    f();
  } catch (const std::bad_alloc&) {
    raise(ErrorCode::kOutOfMemory, "memory ran out");
  }
}

/// One run over the plan.
class PlanRun {
 public:
  PlanRun(store::Store& store,
          const StudyPlan& plan,
          const Spec& spec,
          VariantRunner& runner,
          ProgressSink& progress)
      : store_(store), plan_(plan), spec_(spec), runner_(runner), progress_(progress) {}

  std::vector<VariantFailure> run() {
    const std::size_t n_missing = count_missing();
    progress_.begin("study, samples", n_missing);
    bool is_current = false;  // what the summaries say
    for (const PlannedVariant& variant : plan_.variants) {
      if (const auto units = missing_units(variant); !units.empty()) {
        run_or_record(variant, units);
        store_.replace_summaries(summarize(store_));  // a report in between has what there is
        is_current = true;
      }
    }
    if (!is_current) {
      store_.replace_summaries(summarize(store_));  // an earlier run may have ended in front of it
    }
    progress_.end();
    return std::move(failures_);
  }

  [[nodiscard]] std::size_t n_stored() const { return n_stored_; }

 private:
  using Units = std::vector<const store::UnitRecord*>;

  [[nodiscard]] Units missing_units(const PlannedVariant& variant) const {
    Units units;
    for (const store::UnitRecord& unit : plan_.units) {
      if (unit.variant == variant.record.id && plan_.takes(unit) && !is_done(unit)) {
        units.push_back(&unit);
      }
    }
    return units;
  }

  [[nodiscard]] bool is_done(const store::UnitRecord& unit) const {
    return unit.task.empty()
               ? !store_.measurements(unit.id).empty()
               : store_.sample_indexes(unit.id).size() == task_of(unit).record.n_samples;
  }

  [[nodiscard]] const PlannedTask& task_of(const store::UnitRecord& unit) const {
    const auto found = std::ranges::find_if(
        plan_.tasks, [&](const PlannedTask& task) { return task.record.id == unit.task; });
    NIBBLE_CHECK(found != plan_.tasks.end(), "a unit's task is not part of the plan");
    return *found;
  }

  /// The reference's unit of the same task; nullptr for the reference's own.
  [[nodiscard]] const store::UnitRecord* reference_of(const store::UnitRecord& unit) const {
    const std::string& reference = plan_.variants.front().record.id;
    const auto found = std::ranges::find_if(plan_.units, [&](const store::UnitRecord& other) {
      return other.variant == reference && other.task == unit.task;
    });
    return unit.variant == reference || found == plan_.units.end() ? nullptr : &*found;
  }

  [[nodiscard]] std::size_t count_missing() const {
    std::size_t n = 0;
    for (const store::UnitRecord& unit : plan_.units) {
      if (!unit.task.empty() && plan_.takes(unit)) {
        n += task_of(unit).record.n_samples - store_.sample_indexes(unit.id).size();
      }
    }
    return n;
  }

  void run_or_record(const PlannedVariant& variant, const Units& units) {
    try {
      without_bad_alloc([&] { run_variant(variant, units); });
    } catch (const Error& error) {
      const bool is_reference = &variant == &plan_.variants.front();
      if (is_reference || !is_variants_own(error.code())) {
        throw;
      }
      without_bad_alloc([&] { runner_.close(); });
      for (const store::UnitRecord* unit : missing_units(variant)) {
        store_.add_failure({unit->id, error.what()});
      }
      progress_.note(fmt::format("{}: {}", variant.record.name, error.what()));
      failures_.push_back({variant.record.name, error.failure()});
    }
  }

  void run_variant(const PlannedVariant& variant, const Units& units) {
    cancel_flag().check();
    progress_.note(fmt::format("{}: {} of its units to run", variant.record.name, units.size()));
    store_.set_facts(variant.record.id, runner_.open(variant));
    for (const store::UnitRecord* unit : units) {
      if (unit->task.empty()) {
        store_.add_measurements(unit->id, runner_.measure(*spec_.measure));
      } else {
        run_task(*unit, *task_of(*unit).task);
      }
    }
    runner_.close();
  }

  void run_task(const store::UnitRecord& unit, const eval::Task& task) {
    const auto stored = store_.sample_indexes(unit.id);
    const std::set<std::size_t> done(stored.begin(), stored.end());
    for (const Batch& batch : plan_batches(task)) {
      if (!done.contains(batch.first)) {  // a batch is stored as a whole
        cancel_flag().check();
        run_batch(unit, task, batch);
      }
    }
  }

  void run_batch(const store::UnitRecord& unit, const eval::Task& task, const Batch& batch) {
    std::vector<eval::Sample> samples;
    for (std::size_t i = batch.first; i < batch.first + batch.n; ++i) {
      samples.push_back(task.sample(i));
      samples.back().index = i;
    }
    if (const auto* reference = reference_of(unit)) {
      force_reference_answers(samples, store_, reference->id);
    }
    std::vector<eval::SampleResult> results = runner_.answer(task, samples);
    NIBBLE_CHECK(results.size() == samples.size(), "not one result for each sample");
    std::vector<store::SampleRecord> records;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      records.push_back(sample_record(std::move(samples[i]), std::move(results[i])));
    }
    store_.add_samples(unit.id, records);
    n_stored_ += batch.n;
    progress_.advance(batch.n);
  }

  store::Store& store_;
  const StudyPlan& plan_;
  const Spec& spec_;
  VariantRunner& runner_;
  ProgressSink& progress_;
  std::vector<VariantFailure> failures_;
  std::size_t n_stored_ = 0;
};

}  // namespace

void enter_plan(store::Store& store,
                const StudyPlan& plan,
                const Spec& spec,
                const std::filesystem::path& store_path) {
  check_conditions(store.conditions(), plan.conditions, store_path);
  store.replace_conditions(plan.conditions);
  store.replace_notes(spec.notes);
  store.replace_plan(plan.record());
}

std::vector<VariantFailure> run_plan(store::Store& store,
                                     const StudyPlan& plan,
                                     const Spec& spec,
                                     VariantRunner& runner,
                                     ProgressSink& progress) {
  PlanRun run(store, plan, spec, runner, progress);
  try {
    return run.run();
  } catch (const Error& error) {
    progress.end();
    if (error.code() != ErrorCode::kCancelled) {
      throw;
    }
    raise(ErrorCode::kCancelled,
          "stopped: {} samples of this run are stored, nothing of them is lost; run the same "
          "command again to go on",
          run.n_stored());
  }
}

}  // namespace nibble::study
