#include "study/run.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <map>
#include <new>
#include <set>

#include "base/cancel.h"
#include "base/function_ref.h"
#include "study/answer_tasks.h"
#include "study/batches.h"
#include "study/conditions.h"
#include "study/plan_index.h"
#include "study/sample_record.h"
#include "study/summarize.h"
#include "study/summary_pace.h"

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
          ProgressSink& progress,
          const PlanCosts& costs)
      : store_(store),
        plan_(plan),
        costs_(costs),
        index_(plan),
        spec_(spec),
        runner_(runner),
        progress_(progress),
        n_samples_(store.sample_counts()),
        measured_(store.measured_units()) {}

  std::vector<VariantFailure> run() {
    progress_.begin("study, tokens", tokens_left());
    for (const bool is_search : {true, false}) {  // models read what retrievers found
      for (std::size_t variant = 0; variant < plan_.variants.size(); ++variant) {
        if ((plan_.variants[variant].search != nullptr) == is_search) {
          run_missing(variant);
        }
      }
    }
    if (!is_current_) {
      sum_up();
    }
    progress_.end();
    return std::move(failures_);
  }

  /// So that the next report has what is stored.
  void sum_up_before_stop() noexcept {
    try {
      sum_up();
    } catch (const std::exception&) {
      // The error that ends the run is the one to tell.
    }
  }

  [[nodiscard]] std::size_t n_stored() const { return n_stored_; }

 private:
  using Clock = std::chrono::steady_clock;
  using Units = std::vector<std::size_t>;  // positions in the plan

  void run_missing(std::size_t variant) {
    if (const auto units = missing_units(variant); !units.empty()) {
      is_current_ = false;
      run_or_record(variant, units);
      if (pace_.is_due(Clock::now())) {
        sum_up();  // a report in between has what there is
      }
    }
  }

  void sum_up() {
    const auto began = Clock::now();
    store_.replace_summaries(summarize(store_));
    pace_.summed_up(began, Clock::now());
    is_current_ = true;
  }

  [[nodiscard]] Units missing_units(std::size_t variant) const {
    Units units;
    for (const std::size_t unit : index_.units_of(variant)) {
      if (plan_.takes(plan_.units[unit]) && !is_done(unit)) {
        units.push_back(unit);
      }
    }
    return units;
  }

  [[nodiscard]] std::size_t n_samples(std::size_t unit) const {
    const auto found = n_samples_.find(plan_.units[unit].id);
    return found != n_samples_.end() ? found->second : 0;
  }

  [[nodiscard]] bool is_done(std::size_t unit) const {
    const auto task = index_.task_of(unit);
    return task ? n_samples(unit) == plan_.tasks[*task].record.n_samples
                : measured_.contains(plan_.units[unit].id);
  }

  [[nodiscard]] std::size_t unit_tokens(std::size_t unit) const {
    return costs_.units.empty() ? 0 : costs_.units[unit];
  }

  /// Of a unit when `n` of its samples are stored.
  [[nodiscard]] std::size_t tokens_of(std::size_t unit, std::size_t n) const {
    return unit_tokens(unit) * n / plan_.tasks[*index_.task_of(unit)].record.n_samples;
  }

  /// Making a variant counts until it was opened for the first time.
  [[nodiscard]] std::size_t making_tokens(std::size_t variant) const {
    const bool is_made = plan_.variants[variant].record.facts.has_value();
    return is_made || costs_.variants.empty() ? 0 : costs_.variants[variant];
  }

  [[nodiscard]] std::size_t tokens_left() const {
    std::size_t n = 0;
    for (std::size_t variant = 0; variant < plan_.variants.size(); ++variant) {
      const Units units = missing_units(variant);
      for (const std::size_t unit : units) {
        n += unit_tokens(unit) - (index_.task_of(unit) ? tokens_of(unit, n_samples(unit)) : 0);
      }
      n += units.empty() ? 0 : making_tokens(variant);
    }
    return n;
  }

  void run_or_record(std::size_t number, const Units& units) {
    const PlannedVariant& variant = plan_.variants[number];
    try {
      without_bad_alloc([&] { run_variant(number, units); });
    } catch (const Error& error) {
      const bool is_read_by_all = number == 0 || variant.search != nullptr;
      if (is_read_by_all || !is_variants_own(error.code())) {
        throw;
      }
      without_bad_alloc([&] { runner_.close(); });
      for (const std::size_t unit : missing_units(number)) {
        store_.add_failure({plan_.units[unit].id, error.what()});
      }
      progress_.note(fmt::format("{}: {}", variant.record.name, error.what()));
      failures_.push_back({variant.record.name, error.failure()});
    }
  }

  void run_variant(std::size_t number, const Units& units) {
    const PlannedVariant& variant = plan_.variants[number];
    cancel_flag().check();
    progress_.note(fmt::format("{}: {} of its units to run", variant.record.name, units.size()));
    {
      PartProgress making(progress_, making_tokens(number));
      store_.set_facts(variant.record.id, runner_.open(variant, making));
    }
    for (const std::size_t unit : units) {
      if (const auto task = index_.task_of(unit)) {
        run_task(unit, *plan_.tasks[*task].task);
      } else {
        const std::string& id = plan_.units[unit].id;
        store_.add_measurements(id, runner_.measure(spec_.measure.value_or(profile::Options{})));
        measured_.insert(id);
        progress_.advance(unit_tokens(unit));
      }
    }
    runner_.close();
  }

  void run_task(std::size_t unit, const eval::Task& task) {
    const auto stored = store_.sample_indexes(plan_.units[unit].id);
    const std::set<std::size_t> done(stored.begin(), stored.end());
    for (const Batch& batch : plan_batches(task)) {
      if (!done.contains(batch.first)) {  // a batch is stored as a whole
        cancel_flag().check();
        run_batch(unit, task, batch);
      }
    }
  }

  void run_batch(std::size_t unit, const eval::Task& task, const Batch& batch) {
    const std::string& id = plan_.units[unit].id;
    std::vector<eval::Sample> samples;
    for (std::size_t i = batch.first; i < batch.first + batch.n; ++i) {
      samples.push_back(task.sample(i));
      samples.back().index = i;
    }
    const bool is_search = plan_.variants[index_.variant_of(unit)].search != nullptr;
    if (const auto reference = index_.reference_of(unit); reference && !is_search) {
      force_reference_answers(samples, store_, plan_.units[*reference].id);
    }
    std::vector<eval::SampleResult> results = runner_.answer(task, samples);
    NIBBLE_CHECK(results.size() == samples.size(), "not one result for each sample");
    std::vector<store::SampleRecord> records;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      records.push_back(sample_record(std::move(samples[i]), std::move(results[i])));
    }
    store_.add_samples(id, records);
    const std::size_t n_before = n_samples(unit);
    n_samples_[id] = n_before + batch.n;
    n_stored_ += batch.n;
    progress_.advance(tokens_of(unit, n_before + batch.n) - tokens_of(unit, n_before));
  }

  store::Store& store_;
  const StudyPlan& plan_;
  const PlanCosts& costs_;
  const PlanIndex index_;
  const Spec& spec_;
  VariantRunner& runner_;
  ProgressSink& progress_;
  std::map<std::string, std::size_t, std::less<>> n_samples_;  // stored, by unit
  std::set<std::string, std::less<>> measured_;                // units
  SummaryPace pace_;
  bool is_current_ = false;  // what the summaries say; an earlier run may have ended before them
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
                                     ProgressSink& progress,
                                     const PlanCosts& costs) {
  PlanRun run(store, plan, spec, runner, progress, costs);
  try {
    return run.run();
  } catch (const Error& error) {
    progress.end();
    run.sum_up_before_stop();
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
