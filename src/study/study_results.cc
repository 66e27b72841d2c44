#include "study/study_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <system_error>

#include "base/error.h"
#include "model/kv_setup.h"
#include "study/lm_eval_files.h"
#include "study/model_runner.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

/// What is the same for all tasks, else the default.
struct CommonAsked {
  std::size_t limit = 0;
  bool applies_template = false, is_multiturn = true;
  std::string system{};
};

CommonAsked common_asked(const Spec& spec) {
  CommonAsked out;
  if (spec.tasks.empty()) {
    return out;
  }
  const TaskSpec& first = spec.tasks.front();
  const auto all_have = [&spec, &first](auto member) {
    return spec.rag.empty() && std::ranges::all_of(spec.tasks, [&](const TaskSpec& task) {
             return task.*member == first.*member;
           });
  };
  out.limit = all_have(&TaskSpec::limit) ? first.limit : 0;
  out.applies_template = all_have(&TaskSpec::applies_template) && first.applies_template;
  out.is_multiturn = !all_have(&TaskSpec::is_multiturn) || first.is_multiturn;
  out.system = all_have(&TaskSpec::system) ? first.system : "";
  return out;
}

std::string kv_name(const PlannedVariant& variant, Arithmetic arithmetic) {
  if (variant.kv != nullptr) {
    return std::string(variant.kv->name);
  }
  return variant.recipe && variant.recipe->kv != nullptr
             ? std::string(variant.recipe->kv->name)
             : std::string(model::default_kv_setup(arithmetic).name());
}

class VariantResults {
 public:
  VariantResults(const StudyResults& results, ProgressSink& progress)
      : results_(results), progress_(progress), asked_(common_asked(results.spec)) {}

  void write(const fs::path& folder, const PlannedVariant& variant) const {
    const std::vector<TaskOutcome> outcomes = outcomes_of(variant);
    if (outcomes.empty()) {
      return;
    }
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) {
      raise(ErrorCode::kIo, "{}: {}", folder.string(), failed.message());
    }
    const fs::path path = write_lm_eval_files(folder, run_facts(variant), results_.store, outcomes);
    progress_.note(fmt::format("results: {}", path.string()));
  }

 private:
  [[nodiscard]] std::vector<TaskOutcome> outcomes_of(const PlannedVariant& variant) const {
    std::vector<TaskOutcome> out;
    for (const store::UnitRecord& unit : results_.plan.units) {
      if (unit.variant != variant.record.id || unit.task.empty()) {
        continue;
      }
      const auto task = std::ranges::find_if(results_.plan.tasks, [&unit](const PlannedTask& one) {
        return one.record.id == unit.task;
      });
      NIBBLE_CHECK(task != results_.plan.tasks.end(), "a unit's task is not part of the plan");
      if (results_.store.sample_indexes(unit.id).size() == task->record.n_samples) {
        out.push_back(task_outcome(results_.store, unit.id, *task->task));
      } else {
        progress_.note(fmt::format("{}: {} is not complete, no results of it are written",
                                   variant.record.name,
                                   task->record.name));
      }
    }
    return out;
  }

  [[nodiscard]] std::string model_path(const PlannedVariant& variant) const {
    const Spec& spec = results_.spec;
    return variant.recipe ? variant_folder(spec.output / "variants", variant.record.id).string()
                          : spec.model.string();
  }

  /// As `nibble eval` would tell of the same model.
  [[nodiscard]] JudgedModel judged(const PlannedVariant& variant) const {
    const Spec& spec = results_.spec;
    const auto facts = variant.record.facts.value_or(store::VariantFacts{});
    const auto reference = results_.plan.variants.front().record.facts;
    return {.name = results_.config.name.empty() ? spec.model.string() : results_.config.name,
            .model_hash = facts.model_hash,
            .tokenizer_hash = results_.model.tokenizer.hash(),
            .weight_types = facts.weight_types,
            .arithmetic = std::string(arithmetic_name(spec.arithmetic)),
            .kv = kv_name(variant, spec.arithmetic),
            .program = results_.program,
            .kernels = results_.kernels,
            .reference_hash = reference ? reference->model_hash : "",
            .add_bos = results_.model.tokenizer.special().add_bos,
            .device = spec.device};
  }

  [[nodiscard]] eval::LmEvalRun run_facts(const PlannedVariant& variant) const {
    const JudgedModel judge = judged(variant);
    eval::LmEvalRun run{
        .model = model_path(variant),
        .model_hash = judge.model_hash,
        .tokenizer_hash = judge.tokenizer_hash,
        .weight_types = judge.weight_types,
        .chat_template = asked_.applies_template ? results_.model.chat_template : "",
        .system = asked_.system,
        .is_multiturn = asked_.is_multiturn,
        .n_parameters = results_.config.n_parameters(),
        .max_length = results_.config.context,
        .limit = asked_.limit,
        .special_tokens = lm_eval_tokens(results_.model.tokenizer),
        .started = results_.now,
        .seconds = std::numeric_limits<double>::quiet_NaN()};  // variants take turns
    for (const store::Condition& condition : task_conditions(judge)) {
      run.conditions[condition.key] = condition.value;
    }
    run.conditions["study"] = results_.spec.name;
    run.conditions["variant"] = variant.record.name;
    run.conditions["recipe"] = variant.record.recipe_name;
    return run;
  }

  const StudyResults& results_;
  ProgressSink& progress_;
  CommonAsked asked_;
};

}  // namespace

void write_study_results(const fs::path& folder,
                         const StudyResults& results,
                         ProgressSink& progress) {
  const VariantResults files(results, progress);
  for (const PlannedVariant& variant : results.plan.variants) {
    files.write(folder / eval::lm_eval_model_folder(variant.record.name), variant);
  }
}

}  // namespace nibble::study
