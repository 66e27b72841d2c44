#include "study/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <system_error>

#include "base/folder_lock.h"
#include "io/checkpoint.h"
#include "kernels/cuda/device.h"
#include "kernels/select.h"
#include "model/load.h"
#include "profile/energy/sensor.h"
#include "profile/host.h"
#include "profile/profiler.h"
#include "quant/calibrate/windows.h"
#include "quant/run.h"
#include "study/answer_tasks.h"
#include "study/asked_tasks.h"
#include "study/conditions.h"
#include "study/model_runner.h"
#include "study/planned_weights.h"
#include "study/search/search_runner.h"
#include "study/split.h"
#include "study/study_results.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    raise(ErrorCode::kIo, "{}: cannot create the folder: {}", folder.string(), error.message());
  }
}

/// What the device calls itself: a GPU's name, or the processor's.
std::string device_name(const Spec& spec, const profile::Host& host) {
  const auto number = profile::cuda_number(spec.device);
  const auto gpus = number ? kernels::list_cuda_devices() : std::vector<kernels::CudaDevice>{};
  return number && *number < gpus.size() ? gpus[*number].name : host.processor;
}

/// A row that the file names must be there; one by the device's own name may be missing.
std::optional<profile::Hardware> hardware_of(const Spec& spec, const profile::Host& host) {
  const DeviceSpec& device = spec.device_spec;
  const auto table = device.hardware_table.empty() ? profile::builtin_hardware()
                                                   : profile::read_hardware(device.hardware_table);
  if (!device.hardware.empty()) {
    return profile::find_hardware(table, device.hardware).take();
  }
  auto found = profile::find_hardware(table, device_name(spec, host));
  return found ? std::optional(std::move(*found)) : std::nullopt;
}

PlanInputs read_inputs(const Spec& spec,
                       std::string_view program_version,
                       const text::Tokenizer& tokenizer,
                       std::string weights_hash,
                       std::vector<std::shared_ptr<const eval::Task>> tasks) {
  PlanInputs inputs;
  inputs.source = {std::move(weights_hash), tokenizer.hash(), spec.model.filename().string()};
  inputs.host = profile::read_host();
  inputs.program_version = program_version;
  inputs.kernels = kernels::kernels().name;
  if (spec.measure) {
    inputs.hardware = hardware_of(spec, inputs.host);
    inputs.sensors = profile::describe_sensors(spec.device);
  }
  inputs.calibration_hash = [&spec, &tokenizer](const quant::Recipe& recipe) {
    return quant::make_windows(*recipe.calibration, spec.data, tokenizer).take().sha256;
  };
  inputs.tasks = std::move(tasks);
  return inputs;
}

void tell_plan(const StudyPlan& plan, const store::Store& store, ProgressSink& progress) {
  for (const PlannedTask& task : plan.tasks) {
    progress.note(fmt::format("task {:<18} {} samples: {}",
                              task.record.name,
                              task.record.n_samples,
                              task.record.protocol));
  }
  for (const std::string& line : plan_lines(plan, store)) {
    progress.note(line);
  }
}

/// What a plan is made from besides the study file.
struct StudySource {
  std::unique_ptr<io::Checkpoint> checkpoint;
  std::unique_ptr<text::Tokenizer> tokenizer;
  model::ModelConfig config;
  AnsweringModel model;
  AskedTasks asked;
  AnswerTasks answers;

  explicit StudySource(const Spec& spec)
      : checkpoint(io::open_checkpoint(spec.model).take()),
        tokenizer(model::load_tokenizer(*checkpoint).take()),
        config(model::read_config(*checkpoint).take()),
        model{*tokenizer, config.context, model::read_chat_template(*checkpoint).take()},
        asked(spec, model),
        answers(spec.rag, spec.data, model, spec.retrievers) {}

  [[nodiscard]] StudyPlan plan(const Spec& spec,
                               std::string_view program_version,
                               std::string weights_hash) const {
    auto tasks = asked.tasks();
    tasks.insert(tasks.end(), answers.tasks().begin(), answers.tasks().end());
    PlanInputs inputs =
        read_inputs(spec, program_version, *tokenizer, std::move(weights_hash), std::move(tasks));
    inputs.searches = answers.searches();
    return make_plan(spec, inputs);
  }
};

/// Which device makes the variants of a study that runs on one.
std::vector<std::string> quantizing_lines(const StudyPlan& plan,
                                          const io::Checkpoint& checkpoint,
                                          const std::string& device) {
  std::vector<std::string> out;
  for (const PlannedVariant& variant : plan.variants) {
    if (device == kHost || !variant.recipe) {
      continue;
    }
    const auto side = quant::choose_side(checkpoint, *variant.recipe, device);
    out.push_back(
        side.device == kHost
            ? fmt::format("{} is quantized on the host: {}", variant.record.name, side.reason)
            : fmt::format("{} is quantized on {}", variant.record.name, side.device));
  }
  return out;
}

UnitSet ids_of(const StudyPlan& plan, const PlanShare& share) {
  UnitSet out;
  for (const std::size_t unit : share.units) {
    out.insert(plan.units[unit].id);
  }
  return out;
}

fs::path share_folder(const Spec& spec, const StudyShare& share) {
  return share.part ? part_folder(spec.output, *share.part) : spec.output;
}

/// A store's whole units; none where there is no store.
UnitSet units_there(const StudyPlan& plan, const PlanIndex& index, const fs::path& path) {
  return is_store(path) ? whole_units(plan, index, store::Store::open_read_only(path)) : UnitSet{};
}

/// Leaves to the plan the units of the share; of a part those that the study's own store has not.
void take_share(StudyPlan& plan, const Spec& spec, const StudyShare& share) {
  UnitSet units;
  if (share.part) {
    const auto shares = split_plan(plan, plan_costs(plan, spec.measure), share.part->n_parts);
    units = ids_of(plan, shares.at(share.part->number - 1));
    for (const std::string& id : units_there(plan, PlanIndex(plan), store_path(spec.output))) {
      units.erase(id);
    }
  } else if (!share.units.empty()) {
    units = named_units(plan, share.units);
  } else {
    return;
  }
  plan.share = with_references(plan, std::move(units));
}

/// Beside what is stored of it, where there is a store; then costs, and the split.
void tell_plan_only(const Spec& spec,
                    const StudyPlan& plan,
                    const StudyShare& share,
                    ProgressSink& progress) {
  const fs::path path = store_path(share_folder(spec, share));
  if (is_store(path)) {
    const store::Store store = store::Store::open_read_only(path);
    check_conditions(store.conditions(), plan.conditions, path);
    tell_plan(plan, store, progress);
  } else {
    tell_plan(plan, store::Store::in_memory(), progress);
  }
  const PlanCosts costs = plan_costs(plan, spec.measure);
  std::vector<PlanShare> shares;
  if (const std::size_t n = share.part ? share.part->n_parts : share.n_parts; n > 0) {
    shares = split_plan(plan, costs, n);
  }
  for (const std::string& line : split_lines(plan, costs, shares)) {
    progress.note(line);
  }
}

/// Reads as little of the model as will do.
void plan_only(const Spec& spec,
               std::string_view program_version,
               const StudySource& source,
               const StudyShare& share,
               ProgressSink& progress) {
  const std::array stores = {store_path(share_folder(spec, share)), store_path(spec.output)};
  PlannedWeights weights = planned_weights(*source.checkpoint, stores);
  if (!weights.note.empty()) {
    progress.note(weights.note);
  }
  StudyPlan plan = source.plan(spec, program_version, std::move(weights.hash));
  for (const std::string& line : quantizing_lines(plan, *source.checkpoint, spec.device)) {
    progress.note(line);
  }
  take_share(plan, spec, share);
  tell_plan_only(spec, plan, share, progress);
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// What is known of the variants from earlier runs.
void recall_facts(StudyPlan& plan, const store::Store& store) {
  const store::Plan stored = store.plan();
  std::map<std::string_view, const store::VariantRecord*> by_id;
  for (const store::VariantRecord& variant : stored.variants) {
    by_id.emplace(variant.id, &variant);
  }
  for (PlannedVariant& variant : plan.variants) {
    if (const auto found = by_id.find(variant.record.id); found != by_id.end()) {
      variant.record.facts = found->second->facts;
    }
  }
}

ModelRunner::Places places_of(const Spec& spec, const StudyPlan& plan) {
  ModelRunner::Places places{spec.model, spec.output / "variants", spec.data, {}};
  const PlannedVariant& reference = plan.variants.front();
  places.device = spec.device;
  places.device_memory = spec.device_memory;
  places.reference = {spec.model,  // the first variant has no recipe
                      spec.output / "reference",
                      fmt::format("{} {}", reference.record.id, kernels::kernels().name),
                      spec.arithmetic};
  return places;
}

}  // namespace

fs::path store_path(const fs::path& output) {
  return output / "study.db";
}

std::filesystem::path named_store(const std::filesystem::path& given) {
  return std::filesystem::is_directory(given) ? store_path(given) : given;
}

std::filesystem::path lm_eval_path(const std::filesystem::path& output) {
  return output / "lm-eval";
}

std::vector<VariantFailure> run_study(const Spec& spec,
                                      std::string_view program_version,
                                      StudyRun run,
                                      ProgressSink& progress,
                                      const StudyShare& share) {
  const StudySource source(spec);
  Spec own = spec;
  own.output = share_folder(spec, share);
  for (const std::string& line : source.answers.left_out()) {
    progress.note(line);
    own.notes.push_back(line);
  }
  if (run == StudyRun::kPlan) {
    plan_only(spec, program_version, source, share, progress);
    return {};
  }
  StudyPlan plan = source.plan(spec, program_version, source.checkpoint->hash());
  for (const std::string& line : quantizing_lines(plan, *source.checkpoint, spec.device)) {
    progress.note(line);
    own.notes.push_back(line);
  }
  take_share(plan, spec, share);
  make_folder(own.output / "variants");
  const FolderLock lock(own.output, "study.lock", "another study is running in this folder");
  store::Store store = store::Store::open(store_path(own.output));
  enter_plan(store, plan, own, store_path(own.output));
  recall_facts(plan, store);
  const bool is_whole = whole_units(plan, PlanIndex(plan), store).size() == plan.units.size();
  const PlanCosts costs = is_whole ? PlanCosts{} : plan_costs(plan, spec.measure);
  source.answers.read_found(store, plan);
  tell_plan(plan, store, progress);
  ThreadPool pool(own.threads);
  ModelRunner models(places_of(own, plan), own.arithmetic, pool);
  SearchRunner runner(models, own.output / "retrieval", pool);
  auto failures = run_plan(store, plan, own, runner, progress, costs);
  if (run == StudyRun::kRunWrite) {
    recall_facts(plan, store);
    write_study_results(
        lm_eval_path(own.output),
        {own,
         plan,
         store,
         source.model,
         source.config,
         fmt::format("nibble {}, numbers of revision {}", program_version, kNumericsRevision),
         std::string(kernels::kernels().name),
         seconds_since_1970()},
        progress);
  }
  return failures;
}

std::vector<PlanPart> missing_parts(const Spec& spec,
                                    std::string_view program_version,
                                    std::size_t n_parts) {
  const StudySource source(spec);
  const StudyPlan plan = source.plan(spec, program_version, source.checkpoint->hash());
  const PlanIndex index(plan);
  const auto n_models = static_cast<std::size_t>(std::ranges::count_if(
      plan.variants, [](const PlannedVariant& variant) { return variant.search == nullptr; }));
  const std::size_t n = n_parts != 0 ? n_parts : std::min(n_models, kMostParts);
  const auto shares = split_plan(plan, plan_costs(plan, spec.measure), n);
  const UnitSet collected = units_there(plan, index, store_path(spec.output));
  std::vector<PlanPart> out;
  for (std::size_t i = 0; i < n; ++i) {
    const PlanPart part{i + 1, n};
    const UnitSet own = units_there(plan, index, store_path(part_folder(spec.output, part)));
    if (!std::ranges::all_of(ids_of(plan, shares[i]), [&](const std::string& id) {
          return collected.contains(id) || own.contains(id);
        })) {
      out.push_back(part);
    }
  }
  return out;
}

}  // namespace nibble::study
