#include "app/judged_model.h"

#include <fmt/format.h>

#include <system_error>

#include "base/error.h"
#include "base/numerics.h"
#include "kernels/select.h"

namespace nibble::app {

namespace fs = std::filesystem;

study::JudgedModel judged_model(const std::string& name,
                                const model::LoadedModel& model,
                                const eval::Engine& engine,
                                const std::string& reference_hash) {
  return {model.model->config().name.empty() ? name : model.model->config().name,
          model.hash,
          model.tokenizer->hash(),
          model.weight_types,
          std::string(arithmetic_name(model.model->arithmetic())),
          std::string(model.model->kv().name()),
          fmt::format("nibble {}, numbers of revision {}", NIBBLE_VERSION, kNumericsRevision),
          std::string(kernels::kernels().name),
          reference_hash,
          engine.options().add_bos,
          model.model->device()};
}

store::Store open_eval_store(const fs::path& folder) {
  if (folder.empty()) {
    return store::Store::in_memory();
  }
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    raise(ErrorCode::kIo, "{}: {}", folder.string(), failed.message());
  }
  return store::Store::open(folder / "eval.db");
}

std::vector<study::TaskOutcome> judge_tasks(eval::Engine& engine,
                                            const study::JudgedModel& judged,
                                            study::TaskList tasks,
                                            store::Store& store,
                                            ProgressSink& progress) {
  const store::Plan plan = study::task_plan(judged, tasks);
  store.replace_plan(plan);
  store.replace_conditions(study::task_conditions(judged));
  std::vector<study::TaskOutcome> outcomes;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    study::run_task(store, plan.units[i].id, engine, *tasks[i], progress);
    outcomes.push_back(study::task_outcome(store, plan.units[i].id, *tasks[i]));
  }
  return outcomes;
}

}  // namespace nibble::app
