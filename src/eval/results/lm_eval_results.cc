#include "eval/results/lm_eval_results.h"

#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "eval/results/python_text.h"

namespace nibble::eval {
namespace {

using Ordered = nlohmann::ordered_json;

/// The version whose layout this is.
constexpr std::string_view kLayoutOf = "0.4.13";
constexpr std::uint64_t kFewShotSeed = 1234;

Ordered number(double value) {
  return std::isfinite(value) ? Ordered(value) : Ordered();
}

Ordered text_or_null(const std::string& text) {
  return text.empty() ? Ordered() : Ordered(text);
}

Ordered hash_or_null(const std::string& text) {
  return text.empty() ? Ordered() : Ordered(sha256_hex(text));
}

/// "exact_match,strict-match" as the metric and its filter.
std::pair<std::string_view, std::string_view> parts_of(std::string_view name) {
  const std::size_t comma = name.find(',');
  return comma == std::string_view::npos ? std::pair(name, std::string_view("none"))
                                         : std::pair(name.substr(0, comma), name.substr(comma + 1));
}

Ordered values_of(const LmEvalTask& task) {
  Ordered out = {
      {"name", task.info->name}, {"alias", task.info->name}, {"sample_len", task.n_samples}};
  for (const MetricSummary& row : task.metrics) {
    const auto [metric, filter] = parts_of(row.metric.name);
    out[fmt::format("{},{}", metric, filter)] = number(row.interval.value);
    out[fmt::format("{}_stderr,{}", metric, filter)] =
        std::isfinite(row.standard_error) ? Ordered(row.standard_error) : Ordered("N/A");
  }
  return out;
}

Ordered direction_of(const LmEvalTask& task) {
  Ordered out = Ordered::object();
  for (const MetricSummary& row : task.metrics) {
    out[std::string(parts_of(row.metric.name).first)] = row.metric.better == Direction::kHigher;
  }
  return out;
}

Ordered config_of(const LmEvalTask& task) {
  Ordered metrics = Ordered::array();
  for (const MetricSummary& row : task.metrics) {
    metrics.push_back({{"metric", row.metric.name},
                       {"higher_is_better", row.metric.better == Direction::kHigher}});
  }
  return {{"task", task.info->name},
          {"num_fewshot", task.info->n_shots},
          {"metric_list", metrics},
          {"repeats", 1},
          {"metadata", {{"version", static_cast<double>(task.info->version)}}}};
}

/// What lm-eval has no place for.
Ordered own_facts(const LmEvalTask& task) {
  Ordered metrics = Ordered::object();
  for (const MetricSummary& row : task.metrics) {
    metrics[row.metric.name] = {{"unit", row.metric.unit},
                                {"n", row.interval.n},
                                {"unanswered", row.n_unanswered},
                                {"low", number(row.interval.low)},
                                {"high", number(row.interval.high)}};
  }
  return {{"protocol", task.info->protocol},
          {"data_hash", task.info->data_hash},
          {"metrics", metrics},
          {"flags", task.flags},
          {"at_chance", task.is_at_chance}};
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
          {"bootstrap_iters", stats::ResampleOptions{}.n_replicates},
          {"gen_kwargs", Ordered::object()},
          {"random_seed", nullptr},
          {"numpy_seed", nullptr},
          {"torch_seed", nullptr},
          {"fewshot_seed", kFewShotSeed}};
}

void add_tasks(Ordered& out, std::span<const LmEvalTask> tasks) {
  for (const char* key : {"results",
                          "group_subtasks",
                          "configs",
                          "versions",
                          "n-shot",
                          "higher_is_better",
                          "n-samples"}) {
    out[key] = Ordered::object();
  }
  for (const LmEvalTask& task : tasks) {
    const std::string& name = task.info->name;
    out["results"][name] = values_of(task);
    out["configs"][name] = config_of(task);
    out["versions"][name] = static_cast<double>(task.info->version);
    out["n-shot"][name] = task.info->n_shots;
    out["higher_is_better"][name] = direction_of(task);
    out["n-samples"][name] = {
        {"original", task.info->n_documents != 0 ? Ordered(task.info->n_documents) : Ordered()},
        {"effective", task.n_samples}};
  }
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
  out["total_evaluation_time_seconds"] = python_float(run.seconds);
}

void add_own(Ordered& out, const LmEvalRun& run, std::span<const LmEvalTask> tasks) {
  Ordered own = {{"conditions", run.conditions},
                 {"model_hash", run.model_hash},
                 {"tokenizer_hash", run.tokenizer_hash},
                 {"tasks", Ordered::object()}};
  for (const LmEvalTask& task : tasks) {
    own["tasks"][task.info->name] = own_facts(task);
  }
  out["nibble"] = std::move(own);
}

}  // namespace

std::string lm_eval_results(const LmEvalRun& run, std::span<const LmEvalTask> tasks) {
  Ordered out = Ordered::object();
  add_tasks(out, tasks);
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
    out["task_hashes"][task.info->name] = sha256_hex(task.sample_hashes);
  }
  add_identity(out, run);
  add_own(out, run, tasks);
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
