/// The tiny model, loaded, with a task of five questions for it.
#pragma once

#include <fmt/format.h>

#include <optional>

#include "eval/tasks/choice.h"
#include "study/task_run.h"
#include "unit/model/tiny_model.h"

namespace nibble::study {

struct JudgedTiny {
  JudgedTiny()
      : model(model::load_model(
                  files.path(), {.arithmetic = Arithmetic::kF32}, pool, silent_progress())
                  .take()) {
    engine.emplace(model, eval::default_engine_options(model));
    std::vector<eval::ChoiceItem> items;
    for (std::size_t i = 0; i < 5; ++i) {
      items.push_back({fmt::format("q{}", i),
                       fmt::format("question {}", i),
                       {"yes", "no"},
                       i % 2,
                       fmt::format(R"({{"number": {}, "about": "nothing"}})", i)});
    }
    tasks.push_back(std::make_unique<eval::ChoiceTask>(
        eval::TaskInfo{.name = "five", .n_documents = 5}, std::move(items)));
    identity.name = std::string("tiny");
    identity.model_hash = model.hash;
    plan = task_plan(identity, tasks);
  }
  /// A store that knows the plan.
  [[nodiscard]] store::Store store() const {
    store::Store out = store::Store::in_memory();
    out.replace_plan(plan);
    return out;
  }
  [[nodiscard]] const std::string& unit() const { return plan.units.front().id; }

  model::testing::TinyCopy files;
  ThreadPool pool{1};
  model::LoadedModel model;
  std::optional<eval::Engine> engine;
  std::vector<std::unique_ptr<eval::Task>> tasks;
  JudgedModel identity;
  store::Plan plan;
};

}  // namespace nibble::study
