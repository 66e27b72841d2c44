#include "report/answers/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace nibble::report {
namespace {

using store::ContextRecord;
using store::TaskRecord;
using ContextNumber = std::optional<std::size_t> ContextRecord::*;

bool has_metric(const TaskRecord& task, std::string_view name) {
  return std::ranges::any_of(task.metrics,
                             [name](const store::MetricRecord& m) { return m.name == name; });
}

bool are_of_one_group(const TaskRecord& a, const TaskRecord& b) {
  return a.context->set == b.context->set && a.context->mode == b.context->mode &&
         a.context->n_documents == b.context->n_documents && a.n_samples == b.n_samples;
}

/// Tasks with a value of `changes`, by it, which share that of `fixed`; the largest such family.
TaskNumbers largest_family(Tasks tasks,
                           const TaskNumbers& group,
                           ContextNumber changes,
                           ContextNumber fixed) {
  std::vector<TaskNumbers> families;
  for (const std::size_t t : group) {
    if (!(*tasks[t].context.*changes) || !has_metric(tasks[t], "f1")) {
      continue;
    }
    const auto family = std::ranges::find_if(families, [&](const TaskNumbers& other) {
      return *tasks[other.front()].context.*fixed == *tasks[t].context.*fixed;
    });
    if (family != families.end()) {
      family->push_back(t);
    } else {
      families.push_back({t});
    }
  }
  if (families.empty()) {
    return {};
  }
  TaskNumbers out = *std::ranges::max_element(families, {}, &TaskNumbers::size);
  std::ranges::sort(out, {}, [&](std::size_t t) { return *tasks[t].context.*changes; });
  return out;
}

using ChooseTasks = TaskNumbers (*)(Tasks tasks, const TaskNumbers& group);

TaskNumbers most_of(Tasks tasks, ChooseTasks choose) {
  TaskNumbers best;
  for (const TaskNumbers& group : answer_groups(tasks)) {
    TaskNumbers found = choose(tasks, group);
    if (found.size() > best.size()) {
      best = std::move(found);
    }
  }
  return best;
}

}  // namespace

std::vector<TaskNumbers> answer_groups(Tasks tasks) {
  std::vector<TaskNumbers> out;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (!tasks[t].context) {
      continue;
    }
    const auto group = std::ranges::find_if(out, [&](const TaskNumbers& other) {
      return are_of_one_group(tasks[other.front()], tasks[t]);
    });
    if (group != out.end()) {
      group->push_back(t);
    } else {
      out.push_back({t});
    }
  }
  return out;
}

std::string group_name(Tasks tasks, const TaskNumbers& group) {
  const ContextRecord& context = *tasks[group.front()].context;
  std::string out = context.set;
  if (context.mode != "gold") {
    out += fmt::format(" {}", context.mode);
  }
  return context.n_documents ? fmt::format("{} of {}", out, *context.n_documents) : out;
}

TaskNumbers tasks_by_length(Tasks tasks, const TaskNumbers& group) {
  return largest_family(tasks, group, &ContextRecord::budget, &ContextRecord::gold_slot);
}

TaskNumbers tasks_by_position(Tasks tasks, const TaskNumbers& group) {
  return largest_family(tasks, group, &ContextRecord::gold_slot, &ContextRecord::budget);
}

TaskNumbers most_lengths(Tasks tasks) {
  return most_of(tasks, &tasks_by_length);
}

TaskNumbers most_positions(Tasks tasks) {
  return most_of(tasks, &tasks_by_position);
}

bool measures_attention(const TaskRecord& task) {
  return task.context && has_metric(task, "attention_p1");
}

std::optional<std::size_t> first_attention_task(Tasks tasks) {
  const auto found = std::ranges::find_if(tasks, &measures_attention);
  return found != tasks.end() ? std::optional(static_cast<std::size_t>(found - tasks.begin()))
                              : std::nullopt;
}

}  // namespace nibble::report
