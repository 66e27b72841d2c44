/// Who answered, and where the answers are kept: alike in the commands that judge one model.
///
/// Source     our own
#pragma once

#include <filesystem>
#include <string>

#include "eval/engine.h"
#include "study/task_run.h"

namespace nibble::app {

/// `name` is used where the model has none; `reference_hash` is "" without a reference.
study::JudgedModel judged_model(const std::string& name,
                                const model::LoadedModel& model,
                                const eval::Engine& engine,
                                const std::string& reference_hash);

/// A store "eval.db" in the folder, which is made where it is absent; in memory for "". Throws
/// Error(kIo).
store::Store open_eval_store(const std::filesystem::path& folder);

/// Answers what the store lacks of the tasks, and sums them up.
std::vector<study::TaskOutcome> judge_tasks(eval::Engine& engine,
                                            const study::JudgedModel& judged,
                                            study::TaskList tasks,
                                            store::Store& store,
                                            ProgressSink& progress);

}  // namespace nibble::app
