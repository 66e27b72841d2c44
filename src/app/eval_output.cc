#include "app/eval_output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/score_value.h"
#include "base/json.h"

namespace nibble::app {
namespace {

/// A line for each reason to doubt a score.
std::string doubt_lines(const study::TaskOutcome& outcome) {
  std::string out;
  const auto add = [&](std::size_t n, std::string_view what) {
    if (n > 0) {
      out += fmt::format(
          "{}: {} of {} samples {}\n", outcome.task->info().name, n, outcome.n_samples, what);
    }
  };
  add(outcome.cut.asked, "lost their beginning to the model's context");
  add(outcome.cut.answered, "have an answer that was ended by its length");
  for (const auto& [flag, n] : outcome.doubts.flags) {
    add(n, fmt::format("are flagged '{}'", flag));
  }
  if (outcome.is_at_chance) {
    out += fmt::format("{}: the score cannot be told from guessing ({:.4f})\n",
                       outcome.task->info().name,
                       outcome.doubts.chance.value_or(0));
  }
  return out;
}

Json as_json(const study::TaskOutcome& outcome) {
  const eval::TaskInfo& info = outcome.task->info();
  Json metrics = Json::array();
  for (const eval::MetricSummary& row : outcome.metrics) {
    metrics.push_back({{"name", row.metric.name},
                       {"unit", row.metric.unit},
                       {"higher_is_better", row.metric.better == eval::Direction::kHigher},
                       {"n", row.interval.n},
                       {"unanswered", row.n_unanswered},
                       {"value", score_json(row.interval.value)},
                       {"stderr", score_json(row.standard_error)},
                       {"low", score_json(row.interval.low)},
                       {"high", score_json(row.interval.high)}});
  }
  return {{"task", info.name},
          {"version", info.version},
          {"protocol", info.protocol},
          {"data", info.data_id.empty() ? Json() : Json(info.data_id)},
          {"data_hash", info.data_hash},
          {"n_shots", info.n_shots},
          {"n_documents", info.n_documents == 0 ? Json() : Json(info.n_documents)},
          {"asked_in_part", outcome.cut.asked},
          {"ended_by_length", outcome.cut.answered},
          {"flags", outcome.doubts.flags},
          {"chance", or_null(outcome.doubts.chance)},
          {"at_chance", outcome.is_at_chance},
          {"metrics", metrics}};
}

}  // namespace

std::string eval_table(std::span<const study::TaskOutcome> outcomes) {
  std::string out = fmt::format("{:<24} {:<22} {:>7} {:>11} {:>10} {:>8}  {}\n",
                                "task",
                                "metric",
                                "n",
                                "unanswered",
                                "value",
                                "stderr",
                                "95 % interval");
  for (const study::TaskOutcome& outcome : outcomes) {
    for (const eval::MetricSummary& row : outcome.metrics) {
      out += fmt::format("{:<24} {:<22} {:>7} {:>11} {:>10} {:>8}  {} to {}\n",
                         outcome.task->info().name,
                         row.metric.name,
                         row.interval.n,
                         row.n_unanswered,
                         score_text(row.interval.value),
                         score_text(row.standard_error),
                         score_text(row.interval.low),
                         score_text(row.interval.high));
    }
  }
  for (const study::TaskOutcome& outcome : outcomes) {
    out += doubt_lines(outcome);
  }
  return out;
}

std::string eval_document(const model::LoadedModel& model,
                          const eval::Engine& engine,
                          std::span<const study::TaskOutcome> outcomes,
                          const std::string& results_file) {
  Json tasks = Json::array();
  for (const study::TaskOutcome& outcome : outcomes) {
    tasks.push_back(as_json(outcome));
  }
  const eval::EngineCounters& counters = engine.counters();
  const Json document = {{"model", model.model->config().name},
                         {"model_hash", model.hash},
                         {"tokenizer_hash", model.tokenizer->hash()},
                         {"weights", model.weight_types},
                         {"arithmetic", arithmetic_name(model.model->arithmetic())},
                         {"device", model.model->device()},
                         {"kv", model.model->kv().name()},
                         {"add_bos", engine.options().add_bos},
                         {"request_tokens", counters.n_request_tokens},
                         {"computed_tokens", counters.n_computed_tokens},
                         {"results_file", results_file.empty() ? Json() : Json(results_file)},
                         {"tasks", tasks}};
  return dump_json(document) + "\n";
}

}  // namespace nibble::app
