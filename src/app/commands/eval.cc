#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "app/arithmetic_option.h"
#include "app/chat_option.h"
#include "app/command.h"
#include "app/device_option.h"
#include "app/kv_option.h"
#include "base/json.h"
#include "eval/evaluate.h"

namespace nibble::app {
namespace {

struct EvalOptions {
  std::string model;
  std::vector<std::string> tasks;
  std::string data = ".";
  std::string reference;  ///< model to compare with; "": none
  Arithmetic arithmetic = Arithmetic::kDeterministic;
  std::string device = "cpu";
  const codec::KvScheme* kv = nullptr;
  std::size_t limit = 0;
  std::size_t window = 2048;
  std::size_t max_answer = 0;
  ChatChoice chat;
};

struct TaskReport {
  eval::TaskInfo info;
  std::vector<eval::MetricSummary> metrics;
  std::size_t n_samples = 0;
  std::size_t n_cut = 0;        ///< samples that lost their beginning to the model's context
  std::size_t n_hit_limit = 0;  ///< samples whose answer was ended by its length
};

std::vector<std::unique_ptr<eval::Task>> make_tasks(const EvalOptions& options,
                                                    const model::LoadedModel& model,
                                                    const text::ChatTemplate* chat) {
  const eval::TaskOptions task_options{
      .data = options.data,
      .limit = options.limit,
      .max_context = options.window,
      .model_context = model.model->config().context,
      .tokenizer = model.tokenizer.get(),
      .chat = {chat, options.chat.system, options.chat.is_multiturn},
      .max_answer = options.max_answer};
  std::vector<std::unique_ptr<eval::Task>> tasks;
  for (const std::string& name : options.tasks) {
    tasks.push_back(eval::make_task(name, task_options).take());
  }
  return tasks;
}

TaskReport run_task(eval::Engine& engine, const eval::Task& task, ProgressSink& progress) {
  std::vector<std::size_t> indices(task.n_samples());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  std::vector<eval::SampleScores> scores(task.n_samples());
  TaskReport report{.info = task.info(), .metrics = {}, .n_samples = task.n_samples()};
  progress.begin(task.info().name, task.n_samples());
  eval::run_samples(
      engine, task, indices, [&](const eval::Sample& sample, const eval::SampleResult& result) {
        scores[sample.index] = result.scores;
        report.n_cut += result.n_cut_tokens > 0 ? 1U : 0U;
        report.n_hit_limit += result.hit_limit ? 1U : 0U;
        progress.advance(1);
      });
  progress.end();
  report.metrics = eval::summarize(task.info(), scores);
  return report;
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.4f}", value) : "–";
}

/// A line for each kind of sample that was not asked or answered in full.
std::string cut_notes(const TaskReport& report) {
  std::string out;
  for (const auto& [n, what] :
       {std::pair(report.n_cut, "lost their beginning to the model's context"),
        std::pair(report.n_hit_limit, "have an answer that was ended by its length")}) {
    if (n > 0) {
      out += fmt::format("{}: {} of {} samples {}\n", report.info.name, n, report.n_samples, what);
    }
  }
  return out;
}

std::string as_table(const std::vector<TaskReport>& reports) {
  std::string out = fmt::format("{:<24} {:<22} {:>7} {:>11} {:>10}  {}\n",
                                "task",
                                "metric",
                                "n",
                                "unanswered",
                                "value",
                                "95 % interval");
  for (const TaskReport& report : reports) {
    for (const eval::MetricSummary& row : report.metrics) {
      out += fmt::format("{:<24} {:<22} {:>7} {:>11} {:>10}  {} to {}\n",
                         report.info.name,
                         row.metric.name,
                         row.interval.n,
                         row.n_unanswered,
                         number(row.interval.value),
                         number(row.interval.low),
                         number(row.interval.high));
    }
  }
  for (const TaskReport& report : reports) {
    out += cut_notes(report);
  }
  return out;
}

/// NaN (no samples, or too few for an interval) is null.
Json json_number(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json as_json(const TaskReport& report) {
  Json metrics = Json::array();
  for (const eval::MetricSummary& row : report.metrics) {
    metrics.push_back({{"name", row.metric.name},
                       {"unit", row.metric.unit},
                       {"higher_is_better", row.metric.better == eval::Direction::kHigher},
                       {"n", row.interval.n},
                       {"unanswered", row.n_unanswered},
                       {"value", json_number(row.interval.value)},
                       {"low", json_number(row.interval.low)},
                       {"high", json_number(row.interval.high)}});
  }
  return {{"task", report.info.name},
          {"version", report.info.version},
          {"protocol", report.info.protocol},
          {"data_hash", report.info.data_hash},
          {"asked_in_part", report.n_cut},
          {"ended_by_length", report.n_hit_limit},
          {"metrics", metrics}};
}

std::string as_document(const model::LoadedModel& model,
                        const eval::Engine& engine,
                        const std::vector<TaskReport>& reports) {
  Json tasks = Json::array();
  for (const TaskReport& report : reports) {
    tasks.push_back(as_json(report));
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
                         {"tasks", tasks}};
  return dump_json(document) + "\n";
}

int run_eval(const EvalOptions& options, const Globals& globals) {
  for (const std::string& name : options.tasks) {
    eval::check_task_name(name).take();  // before the weights are read
  }
  const auto progress = make_progress(globals);
  ThreadPool pool(globals.threads);
  model::LoadedModel model =
      model::load_model(
          options.model,
          {.arithmetic = options.arithmetic, .device = options.device, .kv = options.kv},
          pool,
          *progress)
          .take();
  eval::Engine engine(model, eval::default_engine_options(model));
  model::LoadedModel reference_model;
  std::unique_ptr<eval::Reference> reference;
  if (!options.reference.empty()) {
    reference_model =
        model::load_model(options.reference,
                          {.arithmetic = options.arithmetic, .device = options.device},
                          pool,
                          *progress)
            .take();
    reference = eval::model_reference(*reference_model.model, engine.options().batch_tokens);
    engine.set_reference(reference.get());
  }
  const auto chat = chat_template_of(options.chat, model);
  std::vector<TaskReport> reports;
  for (const auto& task : make_tasks(options, model, chat ? &*chat : nullptr)) {
    reports.push_back(run_task(engine, *task, *progress));
  }
  print_out(globals.json ? as_document(model, engine, reports) : as_table(reports));
  return 0;
}

}  // namespace

void add_eval(CLI::App& root, Invocation& invocation) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = root.add_subcommand("eval", "Judge a model: perplexity, choices, questions");
  command->add_option("model", options->model, "A .gguf file or a model folder")->required();
  command->add_option("-t,--tasks", options->tasks, "Tasks, separated by commas; see nibble tasks")
      ->delimiter(',')
      ->required();
  command->add_option("-d,--data", options->data, "Folder of the data sets")
      ->envname("NIBBLE_DATA")
      ->capture_default_str();
  command->add_option("--reference",
                      options->reference,
                      "The model that the tasks of divergence (…kl512) compare with");
  command->add_option("-L,--limit", options->limit, "Only the first N samples; 0 means all")
      ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 31))
      ->capture_default_str();
  command->add_option("--window", options->window, "Tokens of a perplexity window")
      ->check(CLI::Range(std::size_t{2}, kMaxTokens))
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  command
      ->add_option("--max-answer",
                   options->max_answer,
                   "Tokens of a generated answer at most; 0 means the task's own rule")
      ->check(CLI::Range(std::size_t{0}, kMaxTokens))
      ->capture_default_str();
  add_chat_options(*command, options->chat);
  add_arithmetic_option(*command, options->arithmetic);
  add_device_option(*command, options->device);
  add_kv_option(*command, options->kv);
  command->footer(
      "Example: nibble eval model.gguf -t wikitext_stride512,arc_easy --data data -L 100");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_eval(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
