#include "eval/results/lm_eval_results.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "eval/python_random.h"
#include "eval/results/lm_eval_samples.h"
#include "eval/results/python_text.h"

namespace nibble::eval {
namespace {

using Ordered = nlohmann::ordered_json;

/// The version whose layout this is.
constexpr std::string_view kLayoutOf = "0.4.13";

Ordered number(double value) {
  return std::isfinite(value) ? Ordered(value) : Ordered();
}

Ordered text_or_null(const std::string& text) {
  return text.empty() ? Ordered() : Ordered(text);
}

Ordered hash_or_null(const std::string& text) {
  return text.empty() ? Ordered() : Ordered(sha256_hex(text));
}

Ordered values_of(const LmEvalTask& task) {
  Ordered out = {{"name", task.name()},
                 {"alias", task.part != nullptr ? task.part->subject : task.name()},
                 {"sample_len", task.n_samples}};
  for (const MetricSummary& row : task.metrics) {
    const auto [metric, filter] = metric_and_filter(*task.info, row.metric.name);
    out[fmt::format("{},{}", metric, filter)] = number(row.interval.value);
    out[fmt::format("{}_stderr,{}", metric, filter)] =
        std::isfinite(row.standard_error) ? Ordered(row.standard_error) : Ordered("N/A");
  }
  return out;
}

Ordered direction_of(const LmEvalTask& task) {
  Ordered out = Ordered::object();
  for (const MetricSummary& row : task.metrics) {
    out[metric_and_filter(*task.info, row.metric.name).first] =
        row.metric.better == Direction::kHigher;
  }
  return out;
}

/// A metric once, whatever filters its answers go through.
Ordered metric_list_of(const LmEvalTask& task) {
  Ordered out = Ordered::array();
  for (const MetricSummary& row : task.metrics) {
    Ordered metric = {{"metric", metric_and_filter(*task.info, row.metric.name).first},
                      {"higher_is_better", row.metric.better == Direction::kHigher}};
    if (std::ranges::find(out, metric) == out.end()) {
      out.push_back(std::move(metric));
    }
  }
  return out;
}

/// Names alone: how a filter works is in the task's own file.
Ordered filter_list_of(const TaskInfo& info) {
  Ordered out = Ordered::array();
  for (const std::string& name : info.filters) {
    out.push_back({{"name", name}});
  }
  return out;
}

Ordered config_of(const LmEvalTask& task) {
  Ordered out = {{"task", task.name()},
                 {"num_fewshot", task.info->n_shots},
                 {"metric_list", metric_list_of(task)},
                 {"repeats", task.info->n_repeats}};
  if (!task.info->filters.empty()) {
    out["filter_list"] = filter_list_of(*task.info);
  }
  out["metadata"] = {{"version", static_cast<double>(task.info->version)}};
  return out;
}

Ordered intervals_of(const LmEvalTask& task) {
  Ordered out = Ordered::object();
  for (const MetricSummary& row : task.metrics) {
    out[row.metric.name] = {{"unit", row.metric.unit},
                            {"n", row.interval.n},
                            {"unanswered", row.n_unanswered},
                            {"low", number(row.interval.low)},
                            {"high", number(row.interval.high)}};
  }
  return out;
}

/// What lm-eval has no place for. Flags are counted for whole tasks.
Ordered own_facts(const LmEvalTask& task) {
  if (task.part != nullptr) {
    return {{"metrics", intervals_of(task)}};
  }
  return {{"protocol", task.info->protocol},
          {"data_hash", task.info->data_hash},
          {"metrics", intervals_of(task)},
          {"flags", task.flags},
          {"at_chance", task.is_at_chance}};
}

/// As lm-eval's pooled_sample_stderr; NaN where a part has none.
double pooled_error(const std::vector<const LmEvalTask*>& tasks, std::size_t metric) {
  double squares = 0;
  double n_all = 0;
  for (const LmEvalTask* task : tasks) {
    const auto n = static_cast<double>(task->n_samples);
    squares +=
        (n - 1) * n * task->metrics[metric].standard_error * task->metrics[metric].standard_error;
    n_all += n;
  }
  return std::sqrt(squares / (n_all - static_cast<double>(tasks.size())) / n_all);
}

/// The mean over all questions of the tasks.
double weighted_mean(const std::vector<const LmEvalTask*>& tasks, std::size_t metric) {
  double sum = 0;
  double n_all = 0;
  for (const LmEvalTask* task : tasks) {
    sum += task->metrics[metric].interval.value * static_cast<double>(task->n_samples);
    n_all += static_cast<double>(task->n_samples);
  }
  return sum / n_all;
}

std::vector<const LmEvalTask*> tasks_of(const LmEvalGroup& group,
                                        std::span<const LmEvalTask> tasks) {
  std::vector<const LmEvalTask*> out;
  for (const LmEvalTask& task : tasks) {
    if (std::ranges::find(group.tasks, task.name()) != group.tasks.end()) {
      out.push_back(&task);
    }
  }
  return out;
}

Ordered values_of(const LmEvalGroup& group, const std::vector<const LmEvalTask*>& tasks) {
  std::size_t n_samples = 0;
  for (const LmEvalTask* task : tasks) {
    n_samples += task->n_samples;
  }
  Ordered out = {{"alias", group.alias}, {"name", group.name}, {"sample_len", n_samples}};
  Ordered counts = Ordered::object();
  const LmEvalTask& first = *tasks.front();
  for (std::size_t i = 0; i < first.metrics.size(); ++i) {
    const auto [metric, filter] = metric_and_filter(*first.info, first.metrics[i].metric.name);
    const double error = pooled_error(tasks, i);
    out[fmt::format("{},{}", metric, filter)] = number(weighted_mean(tasks, i));
    counts[fmt::format("{},{}", metric, filter)] = n_samples;
    out[fmt::format("{}_stderr,{}", metric, filter)] =
        std::isfinite(error) ? Ordered(error) : Ordered("N/A");
  }
  out["sample_count"] = counts;
  return out;
}

Ordered model_config(const LmEvalRun& run) {
  return {{"model", "nibble"},
          {"model_args", {{"pretrained", run.model}}},
          {"model_num_parameters", run.n_parameters},
          {"model_dtype", run.weight_types},
          {"model_revision", nullptr},
          {"model_sha", run.model_hash},
          {"batch_size", "auto"},
          {"batch_sizes", Ordered::array()},
          {"device", "cpu"},
          {"use_cache", nullptr},
          {"limit", run.limit == 0 ? Ordered() : Ordered(static_cast<double>(run.limit))},
          {"bootstrap_iters", stats::kPerplexityReplicates},
          {"gen_kwargs", Ordered::object()},
          {"random_seed", nullptr},
          {"numpy_seed", nullptr},
          {"torch_seed", nullptr},
          {"fewshot_seed", kFewShotSeed}};
}

/// Objects by name, as lm-eval sorts them.
using Sorted = std::map<std::string, Ordered>;

void add_groups(Ordered& out,
                Sorted& versions,
                Sorted& shots,
                Sorted& directions,
                std::span<const LmEvalTask> tasks,
                std::span<const LmEvalGroup> groups) {
  for (const LmEvalGroup& group : groups) {
    const auto members = tasks_of(group, tasks);
    out["results"][group.name] = out["groups"][group.name] = values_of(group, members);
    out["group_subtasks"][group.name] = group.children;
    versions[group.name] = fmt::format("{}", group.version);  // text, there too
    if (group.children == group.tasks) {                      // a group of groups has neither there
      shots[group.name] = members.front()->info->n_shots;
      directions[group.name] = direction_of(*members.front());
    }
  }
}

void add_tasks(Ordered& out,
               std::span<const LmEvalTask> tasks,
               std::span<const LmEvalGroup> groups) {
  out["results"] = Ordered::object();
  if (!groups.empty()) {
    out["groups"] = Ordered::object();
  }
  out["group_subtasks"] = Ordered::object();
  Sorted configs;
  Sorted versions;
  Sorted shots;
  Sorted directions;
  Ordered counts = Ordered::object();
  for (const LmEvalTask& task : tasks) {
    const std::string& name = task.name();
    const std::size_t n_documents =
        task.part != nullptr ? task.part->n_documents : task.info->n_documents;
    out["results"][name] = values_of(task);
    configs[name] = config_of(task);
    versions[name] = static_cast<double>(task.info->version);
    shots[name] = task.info->n_shots;
    directions[name] = direction_of(task);
    counts[name] = {{"original", n_documents != 0 ? Ordered(n_documents) : Ordered()},
                    {"effective", task.n_samples}};
  }
  add_groups(out, versions, shots, directions, tasks, groups);
  out["configs"] = configs;
  out["versions"] = versions;
  out["n-shot"] = shots;
  out["higher_is_better"] = directions;
  out["n-samples"] = counts;
}

void add_tokens(Ordered& out, const LmEvalRun& run) {
  for (const std::string name : {"pad", "eos", "bos"}) {
    const auto found = run.special_tokens.find(name);
    out["tokenizer_" + name + "_token"] =
        found == run.special_tokens.end()
            ? Ordered()
            : Ordered::array({found->second.first, fmt::format("{}", found->second.second)});
  }
  const auto eos = run.special_tokens.find("eos");
  out["eot_token_id"] = eos == run.special_tokens.end() ? Ordered() : Ordered(eos->second.second);
  out["max_length"] = run.max_length;
}

void add_identity(Ordered& out, const LmEvalRun& run) {
  out["model_source"] = "nibble";
  out["model_name"] = run.model;
  out["model_name_sanitized"] = lm_eval_model_folder(run.model);
  out["system_instruction"] = text_or_null(run.system);
  out["system_instruction_sha"] = hash_or_null(run.system);
  out["fewshot_as_multiturn"] = run.chat_template.empty() ? Ordered() : Ordered(run.is_multiturn);
  out["chat_template"] = text_or_null(run.chat_template);
  out["chat_template_sha"] = hash_or_null(run.chat_template);
  out["total_evaluation_time_seconds"] =
      std::isfinite(run.seconds) ? Ordered(python_float(run.seconds)) : Ordered();
}

void add_own(Ordered& out,
             const LmEvalRun& run,
             std::span<const LmEvalTask> tasks,
             std::span<const LmEvalGroup> groups) {
  Ordered own = {{"conditions", run.conditions},
                 {"model_hash", run.model_hash},
                 {"tokenizer_hash", run.tokenizer_hash},
                 {"tasks", Ordered::object()}};
  for (const LmEvalTask& task : tasks) {
    own["tasks"][task.name()] = own_facts(task);
  }
  for (const LmEvalGroup& group : groups) {
    if (group.whole != nullptr) {
      own["tasks"][group.name] = own_facts(*group.whole);
    }
  }
  out["nibble"] = std::move(own);
}

/// "social sciences" of "mmlu_social_sciences".
std::string alias_of(std::string_view group, std::string_view task) {
  std::string out(group.starts_with(task) && group.size() > task.size() + 1
                      ? group.substr(task.size() + 1)
                      : group);
  std::ranges::replace(out, '_', ' ');
  return out;
}

}  // namespace

std::vector<LmEvalGroup> lm_eval_groups(const LmEvalTask& whole) {
  std::vector<LmEvalGroup> out;
  const TaskInfo& info = *whole.info;
  for (const TaskPartInfo& part : info.parts) {
    auto group = std::ranges::find(out, part.group, &LmEvalGroup::name);
    if (group == out.end()) {
      const bool is_whole = part.group == info.name;
      out.push_back({part.group,
                     alias_of(part.group, info.name),
                     {},
                     {},
                     info.group_version,
                     is_whole ? &whole : nullptr});
      group = out.end() - 1;
    }
    group->children.push_back(part.name);
    group->tasks.push_back(part.name);
  }
  if (out.empty() || out.front().whole != nullptr) {
    return out;
  }
  LmEvalGroup all{info.name, info.name, {}, {}, info.group_version, &whole};
  for (const LmEvalGroup& group : out) {
    all.children.push_back(group.name);
    std::ranges::copy(group.tasks, std::back_inserter(all.tasks));
  }
  out.insert(out.begin(), std::move(all));
  return out;
}

std::string lm_eval_results(const LmEvalRun& run,
                            std::span<const LmEvalTask> tasks,
                            std::span<const LmEvalGroup> groups) {
  Ordered out = Ordered::object();
  add_tasks(out, tasks, groups);
  out["config"] = model_config(run);
  out["git_hash"] = nullptr;
  out["date"] = run.started;
  out["pretty_env_info"] = nullptr;
  out["transformers_version"] = nullptr;
  out["lm_eval_version"] = kLayoutOf;
  out["upper_git_hash"] = nullptr;
  add_tokens(out, run);
  out["task_hashes"] = Ordered::object();
  for (const LmEvalTask& task : tasks) {
    out["task_hashes"][task.name()] = sha256_hex(task.sample_hashes);
  }
  add_identity(out, run);
  add_own(out, run, tasks, groups);
  return out.dump(2, ' ', false, Ordered::error_handler_t::replace);
}

std::string lm_eval_model_folder(std::string_view model) {
  std::string out;
  bool in_run = false;  // a run of such characters becomes one "__"
  for (const char c : model) {
    const bool is_special = std::string_view("\"<>:/|\\?*[]").find(c) != std::string_view::npos;
    if (!is_special) {
      out += c;
    } else if (!in_run) {
      out += "__";
    }
    in_run = is_special;
  }
  return out;
}

std::string lm_eval_time(double seconds_since_1970) {
  const auto whole = static_cast<std::time_t>(std::floor(seconds_since_1970));
  const auto micros =
      static_cast<int>((seconds_since_1970 - static_cast<double>(whole)) * 1e6) % 1'000'000;
  std::tm parts{};
  localtime_r(&whole, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}-{:02}-{:02}.{:06}",
                     parts.tm_year + 1900,
                     parts.tm_mon + 1,
                     parts.tm_mday,
                     parts.tm_hour,
                     parts.tm_min,
                     parts.tm_sec,
                     micros);
}

}  // namespace nibble::eval
