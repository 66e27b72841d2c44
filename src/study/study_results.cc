#include "study/study_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <system_error>

#include "base/error.h"
#include "model/kv_setup.h"
#include "study/lm_eval_files.h"
#include "study/model_runner.h"
#include "study/plan_index.h"

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
      : results_(results),
        progress_(progress),
        asked_(common_asked(results.spec)),
        index_(results.plan) {}

  void write(const fs::path& folder, std::size_t number) const {
    const PlannedVariant& variant = results_.plan.variants[number];
    const std::vector<TaskOutcome> outcomes = outcomes_of(number);
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
  [[nodiscard]] std::vector<TaskOutcome> outcomes_of(std::size_t variant) const {
    const StudyPlan& plan = results_.plan;
    std::vector<TaskOutcome> out;
    for (const std::size_t unit : index_.units_of(variant)) {
      const auto position = index_.task_of(unit);
      if (!position) {
        continue;
      }
      const PlannedTask& task = plan.tasks[*position];
      const std::string& id = plan.units[unit].id;
      if (results_.store.sample_indexes(id).size() == task.record.n_samples) {
        out.push_back(task_outcome(results_.store, id, *task.task));
      } else {
        progress_.note(fmt::format("{}: {} is not complete, no results of it are written",
                                   plan.variants[variant].record.name,
                                   task.record.name));
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
  PlanIndex index_;
};

}  // namespace

void write_study_results(const fs::path& folder,
                         const StudyResults& results,
                         ProgressSink& progress) {
  const VariantResults files(results, progress);
  for (std::size_t i = 0; i < results.plan.variants.size(); ++i) {
    if (results.plan.variants[i].search != nullptr) {
      continue;  // lm-eval judges models
    }
    files.write(folder / eval::lm_eval_model_folder(results.plan.variants[i].record.name), i);
  }
}

}  // namespace nibble::study
