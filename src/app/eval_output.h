/// What `nibble eval` prints.
///
/// Source     our own
#pragma once

#include <span>
#include <string>

#include "eval/engine.h"
#include "study/task_run.h"

namespace nibble::app {

/// A row a metric, and below it a line for everything that makes a score doubtful.
std::string eval_table(std::span<const study::TaskOutcome> outcomes);

/// One JSON object; what is missing is null.
std::string eval_document(const model::LoadedModel& model,
                          const eval::Engine& engine,
                          std::span<const study::TaskOutcome> outcomes,
                          const std::string& results_file);

}  // namespace nibble::app
