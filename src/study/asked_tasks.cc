#include "study/asked_tasks.h"

#include <fmt/format.h>

#include "base/error.h"

namespace nibble::study {

AskedTasks::AskedTasks(const Spec& spec, const AnsweringModel& model) {
  for (const TaskSpec& task : spec.tasks) {
    if (task.applies_template && !template_) {
      template_ =
          parse_chat_template(model, fmt::format("[[task]] {}: apply_chat_template", task.name));
    }
    tasks_.push_back(make(task, spec, model));
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
