#include "study/asked_tasks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace nibble::study {

AskedTasks::AskedTasks(const Spec& spec, const AnsweringModel& model) {
  for (const TaskSpec& task : spec.tasks) {
    if (task.applies_template && !template_) {
      template_ =
          parse_chat_template(model, fmt::format("[[task]] {}: apply_chat_template", task.name));
    }
    std::shared_ptr<const eval::Task> made = make(task, spec, model);
    const std::string& name = made->info().name;
    if (std::ranges::any_of(tasks_,
                            [&](const auto& other) { return other->info().name == name; })) {
      raise(
          ErrorCode::kInvalidArgument, "[[task]] {}: another task is called '{}'", task.name, name);
    }
    tasks_.push_back(std::move(made));
  }
}

std::unique_ptr<eval::Task> AskedTasks::make(const TaskSpec& task,
                                             const Spec& spec,
                                             const AnsweringModel& model) {
  const eval::TaskOptions options{
      .data = spec.data,
      .limit = task.limit,
      .max_context = task.context,
      .model_context = model.context,
      .tokenizer = &model.tokenizer,
      .chat = {task.applies_template ? &*template_ : nullptr, task.system, task.is_multiturn},
      .max_answer = task.max_answer};
  if (task.name != eval::kHumanEval) {
    return eval::make_task(task.name, options).take();
  }
  eval::check_code_allowed(spec.allows_code, "nibble study --allow-code");
  return eval::make_humaneval(options, task.code);
}

}  // namespace nibble::study
