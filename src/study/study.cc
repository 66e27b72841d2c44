#include "study/study.h"

#include <fmt/format.h>

#include <chrono>
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
#include "study/answer_tasks.h"
#include "study/asked_tasks.h"
#include "study/conditions.h"
#include "study/model_runner.h"
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
                       const io::Checkpoint& checkpoint,
                       std::vector<std::shared_ptr<const eval::Task>> tasks) {
  PlanInputs inputs;
  inputs.source = {checkpoint.hash(), tokenizer.hash(), spec.model.filename().string()};
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

/// Beside what is stored of it, where there is a store.
void tell_plan_only(const Spec& spec, const StudyPlan& plan, ProgressSink& progress) {
  const fs::path path = store_path(spec.output);
  std::error_code absent;
  if (fs::file_size(path, absent) > 0 && !absent) {
    const store::Store store = store::Store::open_read_only(path);
    check_conditions(store.conditions(), plan.conditions, path);
    tell_plan(plan, store, progress);
  } else {
    tell_plan(plan, store::Store::in_memory(), progress);
  }
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// What is known of the variants from earlier runs.
void recall_facts(StudyPlan& plan, const store::Store& store) {
  for (const store::VariantRecord& stored : store.plan().variants) {
    for (PlannedVariant& variant : plan.variants) {
      if (variant.record.id == stored.id) {
        variant.record.facts = stored.facts;
      }
    }
  }
}

ModelRunner::Places places_of(const Spec& spec, const StudyPlan& plan) {
  ModelRunner::Places places{spec.model, spec.output / "variants", spec.data, {}};
  const PlannedVariant& reference = plan.variants.front();
  places.device = spec.device;
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
                                      ProgressSink& progress) {
  const auto checkpoint = io::open_checkpoint(spec.model).take();
  const auto tokenizer = model::load_tokenizer(*checkpoint).take();
  const model::ModelConfig config = model::read_config(*checkpoint).take();
  const AnsweringModel model{
      *tokenizer, config.context, model::read_chat_template(*checkpoint).take()};
  const AskedTasks asked(spec, model);
  const AnswerTasks answers(spec.rag, spec.data, model);
  Spec noted = spec;
  for (const std::string& line : answers.left_out()) {
    progress.note(line);
    noted.notes.push_back(line);
  }
  auto tasks = asked.tasks();
  tasks.insert(tasks.end(), answers.tasks().begin(), answers.tasks().end());
  StudyPlan plan = make_plan(
      spec, read_inputs(spec, program_version, *tokenizer, *checkpoint, std::move(tasks)));
  if (run == StudyRun::kPlan) {
    tell_plan_only(spec, plan, progress);
    return {};
  }
  make_folder(spec.output / "variants");
  const FolderLock lock(spec.output, "study.lock", "another study is running in this folder");
  store::Store store = store::Store::open(store_path(spec.output));
  enter_plan(store, plan, noted, store_path(spec.output));
  recall_facts(plan, store);
  tell_plan(plan, store, progress);
  ThreadPool pool(spec.threads);
  ModelRunner runner(places_of(spec, plan), spec.arithmetic, pool, progress);
  auto failures = run_plan(store, plan, spec, runner, progress);
  if (run == StudyRun::kRunWrite) {
    recall_facts(plan, store);
    write_study_results(
        lm_eval_path(spec.output),
        {spec,
         plan,
         store,
         model,
         config,
         fmt::format("nibble {}, numbers of revision {}", program_version, kNumericsRevision),
         std::string(kernels::kernels().name),
         seconds_since_1970()},
        progress);
  }
  return failures;
}

}  // namespace nibble::study
